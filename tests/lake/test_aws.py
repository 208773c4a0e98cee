"""Clients of Amazon's services, and what of the lake's S3 server the environment is told."""

import pytest

from lake import aws
from lake.settings import Settings
from market.errors import Permanent

OURS = Settings(
    lake_url="s3://bucket/lake", s3_endpoint_url="http://127.0.0.1:8333", s3_access_key_id="our-id",
    s3_secret_access_key="our-secret", s3_region="eu-west-1", _env_file=None,
)  # fmt: skip


def test_the_lakes_server_captures_no_other_service(monkeypatch: pytest.MonkeyPatch) -> None:
    environment: dict[str, str] = {}
    aws.lead_to_s3(OURS, environment)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    elsewhere = OURS.model_copy(update={"s3_endpoint_url": ""})
    assert aws.client(elsewhere, "s3").meta.endpoint_url == OURS.s3_endpoint_url
    assert aws.client(OURS, "emr-serverless").meta.endpoint_url == "https://emr-serverless.eu-west-1.amazonaws.com"


def test_keys_are_a_pair_and_without_the_session_token_of_another() -> None:
    half = {"AWS_ACCESS_KEY_ID": "theirs", "AWS_SESSION_TOKEN": "theirs"}
    aws.lead_to_s3(OURS, half)
    assert {name: half.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")} == {
        "AWS_ACCESS_KEY_ID": "our-id", "AWS_SECRET_ACCESS_KEY": "our-secret", "AWS_SESSION_TOKEN": None,
    }  # fmt: skip
    whole = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}
    aws.lead_to_s3(OURS, theirs := dict(whole))
    assert whole.items() <= theirs.items()
    aws.lead_to_s3(Settings(lake_url="s3://b/l", s3_access_key_id="one", _env_file=None), lacking := {})
    assert "AWS_ACCESS_KEY_ID" not in lacking


def test_a_lake_in_a_folder_adds_nothing() -> None:
    aws.lead_to_s3(OURS.model_copy(update={"lake_url": "./var/lake"}), environment := {})
    assert environment == {}


@pytest.mark.parametrize(
    "wrong", [{"s3_access_key_id": "one"}, {"s3_endpoint_url": "no address"}, {"s3_region": "eu west"}]
)
def test_a_client_that_cannot_be_made_names_the_settings(wrong: dict[str, str]) -> None:
    with pytest.raises(Permanent, match="MARKETLAKE_S3_SECRET_ACCESS_KEY"):
        aws.client(Settings(**wrong, _env_file=None), "s3")
