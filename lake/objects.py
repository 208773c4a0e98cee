"""A place for whole files: a folder or an S3 bucket, behind one small interface. What the files mean does not belong here.

Every write is whole or not at all, and `put_if_absent` has one winner among any number of writers of different bytes.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from time import sleep
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from lake import aws
from lake.settings import Settings
from market.errors import Permanent, Transient

_TMP = ".tmp-"
_CONFLICT_PAUSES_S = (0.1, 0.5, 2.0)


class Missing(Permanent):
    """There is no file of that path."""


class Store(Protocol):
    """Files by path relative to the root, '/' between parts."""

    url: str

    def put(self, path: str, payload: bytes) -> None:
        """Write the file whole, replacing what was there."""

    def put_if_absent(self, path: str, payload: bytes) -> bool:
        """Write the file unless there is one; False where somebody was first.

        On S3 it is True too where the file there has the same bytes: they may be this writer's own, whose answer was lost.
        """

    def get(self, path: str) -> bytes:
        """The file's bytes; `Missing` where there is none."""

    def exists(self, path: str) -> bool:
        """True where there is such a file."""

    def list(self, prefix: str = "") -> list[str]:
        """Paths that start with the prefix, in order."""

    def delete(self, path: str) -> None:
        """Remove the file; nothing happens where there is none."""


def open_store(
    url: str, *, endpoint_url: str = "", access_key_id: str = "", secret_access_key: str = "", region: str = ""
) -> Store:
    """The store at a folder or at s3://bucket/prefix.

    Parameters
    ----------
    endpoint_url, access_key_id, secret_access_key, region : for S3; where empty, boto3's own chain decides.
    """
    if not url.startswith("s3://"):
        return LocalStore(url.removeprefix("file://"))
    client = aws.make_client(
        "s3", endpoint_url=endpoint_url, access_key_id=access_key_id, secret_access_key=secret_access_key, region=region
    )
    return S3Store(url, client)


def lake_store(settings: Settings) -> Store:
    """The store at the lake's root."""
    return open_store(
        settings.lake_url if "://" in settings.lake_url else str(settings.path(settings.lake_url)),
        endpoint_url=settings.s3_endpoint_url,
        access_key_id=settings.s3_access_key_id.get_secret_value(),
        secret_access_key=settings.s3_secret_access_key.get_secret_value(),
        region=settings.s3_region,
    )


class LocalStore:
    """Files in a folder."""

    def __init__(self, folder: str | Path) -> None:
        self.root = Path(folder).expanduser().resolve()
        self.url = str(self.root)

    def put(self, path: str, payload: bytes) -> None:
        """Write beside, flush to disk, rename over."""
        target = self._at(path)
        with self._beside(target, payload) as tmp:
            tmp.replace(target)
        _flush_folder(target.parent)

    def put_if_absent(self, path: str, payload: bytes) -> bool:
        """Write beside, then link: the link fails where the name is taken, so that there is one winner."""
        target = self._at(path)
        if target.exists():
            return False
        with self._beside(target, payload) as tmp:
            try:
                os.link(tmp, target)
            except FileExistsError:
                return False
        _flush_folder(target.parent)
        return True

    def get(self, path: str) -> bytes:
        """The file's bytes."""
        try:
            return self._at(path).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise Missing(f"{self.url}/{path}", expected="a file", found="none") from error

    def exists(self, path: str) -> bool:
        """True where there is such a file."""
        return self._at(path).is_file()

    def list(self, prefix: str = "") -> list[str]:
        """Paths that start with the prefix, in order; half-written files are not among them."""
        folder = self.root / PurePosixPath(prefix).parent if not prefix.endswith("/") else self.root / prefix
        names = (p.relative_to(self.root).as_posix() for p in folder.rglob("*") if p.is_file() and _TMP not in p.name)
        return sorted(name for name in names if name.startswith(prefix))

    def delete(self, path: str) -> None:
        """Remove the file."""
        self._at(path).unlink(missing_ok=True)

    def _at(self, path: str) -> Path:
        return self.root / _checked(path)

    @contextmanager
    def _beside(self, target: Path, payload: bytes) -> Iterator[Path]:
        target.parent.mkdir(parents=True, exist_ok=True)
        tmp = target.parent / f"{_TMP}{uuid.uuid4().hex}"
        try:
            with tmp.open("wb") as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            yield tmp
        finally:
            tmp.unlink(missing_ok=True)


class S3Store:
    """Files under a prefix of a bucket; needs a server with conditional writes (AWS, SeaweedFS, MinIO)."""

    def __init__(self, url: str, client: Any) -> None:
        self.url = url.rstrip("/")
        self.bucket, _, prefix = self.url.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = client

    def put(self, path: str, payload: bytes) -> None:
        """Write the object; S3 shows it whole or not at all."""
        with self._translated(path):
            self._client.put_object(Bucket=self.bucket, Key=self._key(path), Body=payload)

    def put_if_absent(self, path: str, payload: bytes) -> bool:
        """Write under the condition that there is no such object."""
        with self._translated(path):
            try:
                self._create(path, payload)
            except ClientError as error:
                if aws.status_of(error) == 412:
                    return self._holds(path, payload)
                raise
        return True

    def get(self, path: str) -> bytes:
        """The object's bytes."""
        with self._translated(path):
            return bytes(self._client.get_object(Bucket=self.bucket, Key=self._key(path))["Body"].read())

    def exists(self, path: str) -> bool:
        """True where there is such an object."""
        try:
            with self._translated(path):
                self._client.head_object(Bucket=self.bucket, Key=self._key(path))
        except Missing:
            return False
        return True

    def list(self, prefix: str = "") -> list[str]:
        """Paths that start with the prefix, in order."""
        with self._translated(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self._prefix + prefix
            )
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def delete(self, path: str) -> None:
        """Remove the object."""
        with self._translated(path):
            self._client.delete_object(Bucket=self.bucket, Key=self._key(path))

    def _create(self, path: str, payload: bytes) -> None:
        create = partial(
            self._client.put_object, Bucket=self.bucket, Key=self._key(path), Body=payload, IfNoneMatch="*"
        )
        for pause_s in _CONFLICT_PAUSES_S:
            try:
                create()
                return
            except ClientError as error:
                if aws.status_of(error) != 409:
                    raise
            sleep(pause_s)  # 409 is a write or delete under way, which may leave nothing there: AWS says to ask again
        create()

    def _holds(self, path: str, payload: bytes) -> bool:
        """True where the object is what was to be written: the answer to the write was lost, and the client came second to itself."""
        try:
            return self.get(path) == payload
        except Missing as error:
            raise Transient(f"{self.url}/{path}", expected="the object that stood in the way", found="none") from error

    def _key(self, path: str) -> str:
        return self._prefix + str(_checked(path))

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        where = f"{self.url}/{path}"
        try:
            yield
        except ClientError as error:
            status, found = aws.status_of(error), str(error)
            if status == 404 and "NoSuchBucket" not in found:
                raise Missing(where, expected="an object", found="none") from error
            if status >= 500 or status in (409, 429):
                raise Transient(where, expected="an answer of the S3 server", found=found) from error
            do = "Check the bucket of MARKETLAKE_LAKE_URL and the S3 credentials"
            raise Permanent(where, expected="an answer of the S3 server", found=found, do=do) from error
        except aws.UNUSABLE as error:
            raise Permanent(where, expected="to be able to ask the S3 server", found=str(error), do=aws.DO) from error
        except BotoCoreError as error:
            raise Transient(where, expected="an answer of the S3 server", found=str(error)) from error


def _checked(path: str) -> PurePosixPath:
    parts = PurePosixPath(path)
    if not path or parts.is_absolute() or ".." in parts.parts:
        raise Permanent(f"path {path!r}", expected="a path below the store's root", found="one that leaves it")
    return parts


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
