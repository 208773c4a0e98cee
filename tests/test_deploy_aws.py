"""The AWS note's policies parse, give the least rights and name the bucket's prefixes alone; the note names what must be set."""

import json
import re
from pathlib import Path

import pytest

from lake.settings import Settings

AWS = Path(__file__).resolve().parents[1] / "deploy" / "aws"
NOTE = AWS.with_suffix(".md").read_text()
POLICIES = sorted(AWS.glob("policy-*.json"))


def name_of(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", POLICIES, ids=name_of)
def test_a_policy_names_the_buckets_prefixes_alone(path: Path) -> None:
    for statement in json.loads(path.read_text())["Statement"]:
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert statement["Effect"] == "Allow" and not any("*" in action for action in actions)
        for resource in resources:
            if resource == "arn:aws:s3:::BUCKET":
                assert actions == ["s3:ListBucket"]
                assert all(re.fullmatch(r"[a-z-]+/\*", p) for p in statement["Condition"]["StringLike"]["s3:prefix"])
            elif resource.startswith("arn:aws:s3:::"):
                assert re.fullmatch(r"arn:aws:s3:::BUCKET/(lake|mlflow|dagster-logs)/([a-z]+/)?\*", resource)
            else:
                assert resource.startswith(("arn:aws:emr-serverless:REGION:ACCOUNT:/applications/APPLICATION",
                                            "arn:aws:iam::ACCOUNT:role/marketlake-"))  # fmt: skip


def test_a_job_can_reach_neither_releases_nor_the_landing_zone() -> None:
    text = (AWS / "policy-job.json").read_text()
    folders = set(re.findall(r"BUCKET/lake/(\w+)/\*", text))
    assert folders == {"bronze", "code", "environment", "silver", "gold", "staging"}
    assert "BUCKET/lake/*" not in text


def test_a_job_writes_staging_alone() -> None:
    statements = json.loads((AWS / "policy-job.json").read_text())["Statement"]
    writing = [one for one in statements if {"s3:PutObject", "s3:DeleteObject"} & set(one["Action"])]
    assert [one["Resource"] for one in writing] == ["arn:aws:s3:::BUCKET/lake/staging/*"]


def test_the_note_names_every_setting_of_a_job_and_of_the_lake() -> None:
    named = set(re.findall(r"MARKETLAKE_[A-Z0-9_]*[A-Z0-9]", NOTE))
    wanted = {name for name in Settings.model_fields if name.startswith(("emr_", "s3_")) and name != "s3_port"}
    wanted |= {"lake_url", "sql_url", "online_url", "cache_url", "mlflow_tracking_uri", "spark_master"}
    assert {f"MARKETLAKE_{name.upper()}" for name in wanted - {"emr_poll_s"}} <= named


def test_the_note_links_every_policy() -> None:
    assert all(f"aws/{path.name}" in NOTE for path in (*POLICIES, AWS / "trust-job.json"))


def test_only_emr_serverless_may_take_the_jobs_role() -> None:
    (statement,) = json.loads((AWS / "trust-job.json").read_text())["Statement"]
    assert statement["Principal"] == {"Service": "emr-serverless.amazonaws.com"}
    assert set(statement["Condition"]) == {"StringEquals", "ArnLike"}
