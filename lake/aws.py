"""Clients of Amazon's services with the settings' keys and region, and where the lake lies among the buckets."""

from typing import Any

import boto3
from botocore.config import Config

from lake.settings import Settings


def client(settings: Settings, service: str) -> Any:
    """A client of a service.

    Parameters
    ----------
    service : as boto3 names it. `s3` goes to the settings' endpoint; another one to Amazon, or where AWS_ENDPOINT_URL_* says.
    """
    return boto3.client(
        service,
        endpoint_url=(settings.s3_endpoint_url or None) if service == "s3" else None,
        aws_access_key_id=settings.s3_access_key_id.get_secret_value() or None,
        aws_secret_access_key=settings.s3_secret_access_key.get_secret_value() or None,
        region_name=settings.s3_region or None,
        config=Config(retries={"max_attempts": 5, "mode": "standard"}),
    )


def bucket_and_prefix(settings: Settings) -> tuple[str, str]:
    """The lake's bucket, and its prefix there: empty, or with a '/' at its end."""
    bucket, _, prefix = settings.lake_url.removeprefix("s3://").strip("/").partition("/")
    return bucket, f"{prefix}/" if prefix else ""
