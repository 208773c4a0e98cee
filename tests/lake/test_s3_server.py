"""The stack's S3 server gives nothing past its keys: not by the ports of its parts, not to the tool that comes with it."""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest

from marketlake.stack.place import BUCKET, HOST, Place
from marketlake.stack.servers import s3

WEED = Path(sys.executable).with_name("weed")


@pytest.fixture
def lies_there(s3_place: Place) -> str:
    """The key of an object that nobody but us may read."""
    client = boto3.client("s3", endpoint_url=s3_place.s3_url, region_name=s3_place.settings.s3_region,
                          aws_access_key_id=s3_place.credentials.s3_access_key_id,
                          aws_secret_access_key=s3_place.credentials.s3_secret_access_key)  # fmt: skip
    client.put_object(Bucket=BUCKET, Key="kept/words", Body=b"ours alone")
    return "kept/words"


def shell(place: Place, words: str, environment: dict[str, str]) -> str:
    """What `weed shell` prints; it asks again and again where it is not let in."""
    port = place.settings.s3_port
    command = [WEED, "shell", f"-master={HOST}:{port + 1}.{port + 4}", f"-filer={HOST}:{port + 3}.{port + 6}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=environment, cwd=place.folder) as process:  # fmt: skip
        try:
            return process.communicate(words, timeout=6)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0]


def test_its_own_shell_reads_with_our_certificate_alone(s3_place: Place, lies_there: str) -> None:
    words = f"fs.cat /buckets/{BUCKET}/{lies_there}\nexit\n"
    [service] = s3.services(s3_place)
    assert "ours alone" in shell(s3_place, words, dict(service.environment))
    assert "ours alone" not in shell(s3_place, words, {})


def test_a_volume_gives_no_object_and_takes_none_without_a_token(s3_place: Place, lies_there: str) -> None:
    port = s3_place.settings.s3_port
    for request in (
        urllib.request.Request(f"http://{HOST}:{port + 2}/1,01637037d6"),
        urllib.request.Request(f"http://{HOST}:{port + 2}/1,01637037d6", data=b"x", method="POST"),
        urllib.request.Request(f"http://{HOST}:{port + 2}/1,01637037d6", method="DELETE"),
    ):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request, timeout=5)


def test_the_key_of_the_certificate_is_the_owners(s3_place: Place) -> None:
    assert (s3_place.of("s3") / "inner.pem").stat().st_mode & 0o777 == 0o600
