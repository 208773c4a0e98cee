"""Clients of Amazon's services with the settings' keys and region, which failures of theirs a rerun cannot clear, and where the lake
lies among the buckets.
"""

from collections.abc import MutableMapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)

from lake.settings import Settings
from market.errors import Permanent

UNUSABLE = (
    InvalidRegionError, NoCredentialsError, NoRegionError, ParamValidationError, PartialCredentialsError, ProfileNotFound,
)  # fmt: skip
"""What is wrong before anything is asked: no rerun clears it."""
DO = "Check the keys (MARKETLAKE_S3_ACCESS_KEY_ID with MARKETLAKE_S3_SECRET_ACCESS_KEY, or AWS's own) and MARKETLAKE_S3_REGION"
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_TOKENS = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


def client(settings: Settings, service: str) -> Any:
    """A client of a service.

    Parameters
    ----------
    service : as boto3 names it. `s3` goes to the settings' endpoint; another one to Amazon, or where AWS_ENDPOINT_URL_* says.

    Raises
    ------
    Permanent
        A key without the other, no region, or an address that is none.
    """
    return make_client(
        service,
        endpoint_url=settings.s3_endpoint_url if service == "s3" else "",
        access_key_id=settings.s3_access_key_id.get_secret_value(),
        secret_access_key=settings.s3_secret_access_key.get_secret_value(),
        region=settings.s3_region,
    )


def make_client(service: str, *, endpoint_url: str, access_key_id: str, secret_access_key: str, region: str) -> Any:
    """A client of a service at an endpoint; where a value is empty, boto3's own chain decides."""
    try:
        return boto3.client(
            service,
            endpoint_url=endpoint_url or None,
            aws_access_key_id=access_key_id or None,
            aws_secret_access_key=secret_access_key or None,
            region_name=region or None,
            config=Config(retries={"max_attempts": 5, "mode": "standard"}, max_pool_connections=16),
        )
    except (BotoCoreError, ValueError) as error:
        found = str(error)
        raise Permanent(f"client of {service}", expected="keys, a region and an address", found=found, do=DO) from error


def lead_to_s3(settings: Settings, environment: MutableMapping[str, str]) -> None:
    """Add what Amazon's own libraries lack in an environment to reach the lake's server; nothing for a lake in a folder.

    What is there wins. The address is that of S3 alone, so that other services stay where they are. Keys come as a pair, where there
    is no whole one; a session token that was there belongs to another key, and goes.
    """
    if not settings.lake_url.startswith("s3://"):
        return
    for name, value in (("AWS_ENDPOINT_URL_S3", settings.s3_endpoint_url), ("AWS_DEFAULT_REGION", settings.s3_region)):
        if value:
            environment.setdefault(name, value)
    ours = (settings.s3_access_key_id.get_secret_value(), settings.s3_secret_access_key.get_secret_value())
    if all(ours) and not all(environment.get(name) for name in _KEYS):
        environment.update(zip(_KEYS, ours, strict=True))
        for name in _TOKENS:
            environment.pop(name, None)


def status_of(error: ClientError) -> int:
    """The HTTP status of a service's answer; 0 where it told none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def bucket_and_prefix(settings: Settings) -> tuple[str, str]:
    """The lake's bucket, and its prefix there: empty, or with a '/' at its end."""
    bucket, _, prefix = settings.lake_url.removeprefix("s3://").strip("/").partition("/")
    return bucket, f"{prefix}/" if prefix else ""
