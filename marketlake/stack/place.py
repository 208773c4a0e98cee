"""Where a local stack lives: its folder, its ports and its credentials.

Credentials are made once, at random, and kept in a file that its owner alone can read. What does not belong here: servers.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from marketlake import environment

if TYPE_CHECKING:
    from lake.settings import Settings

HOST = "127.0.0.1"
BUCKET = "marketlake"
USER = "marketlake"
STACK = "local"
MARK = "LAKEHOUSE_STACK"
"""A variable that every process of the stack inherits: its value is the stack's folder. By it none is left behind."""


@dataclass(frozen=True)
class Credentials:
    """Passwords of the servers, made here."""

    s3_access_key_id: str
    s3_secret_access_key: str
    s3_reader_key_id: str
    s3_reader_secret: str
    s3_inner_secret: str
    postgres_password: str
    redis_password: str
    spark_secret: str
    trino_secret: str
    supervisor_password: str

    @classmethod
    def made(cls) -> "Credentials":
        """New ones, 192 random bits each."""
        return cls(**{field.name: secrets.token_hex(24) for field in fields(cls)})


@dataclass(frozen=True)
class Place:
    """A local stack's folder `<state>/local`, its settings (ports among them) and its credentials."""

    settings: "Settings"

    @cached_property
    def folder(self) -> Path:
        """What the servers keep, each in a folder of its own."""
        return self.settings.path(self.settings.state_dir) / "local"

    @property
    def settings_file(self) -> Path:
        """The file of settings that commands on this stack, and those of its services that are our code, read."""
        return environment.stack_file(self.settings, STACK)

    def of(self, server: str) -> Path:
        """The folder of one server, made where missing and closed to other users."""
        folder = self.folder / server
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    @cached_property
    def credentials(self) -> Credentials:
        """Those of this stack; made at the first call, and one that an older version did not know when it is first asked for."""
        file = self.folder / "credentials.json"
        made = asdict(Credentials.made())
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(file, json.dumps(made, indent=1), is_new=True)
        held = json.loads(file.read_text())
        if not made.keys() <= held.keys():
            held = made | held
            write_private(file, json.dumps(held, indent=1))
        return Credentials(**{name: held[name] for name in made})

    @property
    def s3_url(self) -> str:
        """The endpoint of the S3 server."""
        return f"http://{HOST}:{self.settings.s3_port}"

    @property
    def lake_url(self) -> str:
        """The root of the lake on it."""
        return f"s3://{BUCKET}/lake"

    def postgres_url(self, database: str) -> str:
        """The address of one of the databases."""
        password = self.credentials.postgres_password
        return f"postgresql://{USER}:{password}@{HOST}:{self.settings.postgres_port}/{database}"

    def redis_url(self, number: int) -> str:
        """The address of one of Redis's numbered databases."""
        return f"redis://:{self.credentials.redis_password}@{HOST}:{self.settings.redis_port}/{number}"

    @property
    def s3_environment(self) -> dict[str, str]:
        """What Amazon's own libraries read to reach the S3 server."""
        return {
            "AWS_ENDPOINT_URL_S3": self.s3_url, "AWS_REGION": self.settings.s3_region, "AWS_DEFAULT_REGION": self.settings.s3_region,
            "AWS_ACCESS_KEY_ID": self.credentials.s3_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.credentials.s3_secret_access_key,
        }  # fmt: skip


def write_private(file: Path, text: str, *, is_new: bool = False) -> None:
    """Write a file that its owner alone can read; whole or not at all. With `is_new`, one that is there stays."""
    partial = file.with_suffix(f".{os.getpid()}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
    if not is_new:
        partial.replace(file)
        return
    try:
        os.link(partial, file)
    except FileExistsError:
        pass
    finally:
        partial.unlink()
