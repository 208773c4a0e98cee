"""Copies of what cannot be built again: the databases of MLflow and Dagster, the releases' pointer and the models' champions.

A backup is a folder with a manifest that is written last; without it, or with a file that is not as it says, nothing is restored.
It holds no password. What does not belong here: the lake's tables and payloads, and MLflow's artifacts; they are files of the
lake's own store, which is copied by that store's means.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from market.errors import Permanent

if TYPE_CHECKING:
    from lake.objects import Store
    from lake.settings import Settings

MANIFEST, FORMAT = "manifest.json", 1
OBJECTS, POINTERS = "objects", ("/champion.json", "/shadow.json", "/drift.json")
KEPT = ("releases/", "models/", "world.json")
"""What of the lake's store is taken along: pointers and small files."""

Say = Callable[[str], None]
Kind = Literal["postgres", "sqlite", "object"]


@dataclass(frozen=True)
class Part:
    """One file of a backup.

    Parameters
    ----------
    kind : a database of PostgreSQL, a SQLite file, or an object of the lake.
    name : the database, the SQLite file's place, or the object's path.
    file : its path in the backup's folder.
    """

    kind: Kind
    name: str
    file: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds, and where it is from."""

    format: int
    made_at: str
    code_sha: str
    code_dirty: bool
    stack: str
    lake_url: str
    current_release: str
    parts: tuple[Part, ...]

    def of(self, kind: Kind) -> list[Part]:
        """The parts of a kind."""
        return [part for part in self.parts if part.kind == kind]


class Databases(Protocol):
    """The databases of a stack, saved to files and read back."""

    kind: Kind
    stack: str

    def names(self) -> Sequence[str]:
        """Those that there are."""

    def save(self, name: str, target: Path) -> None:
        """A consistent copy of one, whoever writes to it meanwhile."""

    def load(self, name: str, source: Path) -> None:
        """The copy in the database's place; all of it or nothing."""


def backup(settings: "Settings", databases: Databases, folder: Path, say: Say) -> Manifest:
    """Copy everything into an empty or new folder that its owner alone can read.

    Raises
    ------
    Permanent
        The folder holds something.
    """
    from lake.code import code
    from lake.objects import lake_store
    from lake.releases import Releases

    if folder.exists() and any(folder.iterdir()):
        raise Permanent(f"backup {folder}", expected="a new or empty folder", found="one that holds files",
                        do="Name another one")  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    store = lake_store(settings)
    current = Releases(store).current()  # before the objects: each move that was made by now is among them
    parts = [*_objects(store, folder, say), *_databases(databases, folder, say)]
    made = Manifest(
        FORMAT, datetime.now(UTC).isoformat(timespec="seconds"), code().sha, code().dirty, databases.stack, settings.lake_url,
        current.release_id if current else "", tuple(parts),
    )  # fmt: skip
    _write(folder / MANIFEST, json.dumps(asdict(made), indent=1).encode())
    return made


def checked(folder: Path) -> Manifest:
    """The backup's manifest, every file compared with it.

    Raises
    ------
    Permanent
        There is none, it is of another format, or a file is missing or differs.
    """
    file = folder / MANIFEST
    try:
        told: dict[str, Any] = json.loads(file.read_bytes())
        made = Manifest(**{**told, "parts": tuple(Part(**part) for part in told["parts"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Permanent(f"{file}", expected="the manifest of a backup", found=f"{type(error).__name__}: {error}",
                        do="A backup that was broken off has none: take another one") from error  # fmt: skip
    if made.format != FORMAT:
        raise Permanent(f"{file}", expected=f"format {FORMAT}", found=f"{made.format}")
    wrong = [part.file for part in made.parts if not _is_as_told(folder, part)]
    if wrong:
        raise Permanent(f"backup {folder}", expected="the files of its manifest", found="some are missing or differ",
                        keys=wrong[:5], do="Restore another backup: this one is damaged")  # fmt: skip
    return made


def restore(settings: "Settings", databases: Databases, folder: Path, say: Say) -> Manifest:
    """Put the databases back as they were, and the objects that the lake lacks.

    Releases are never rewritten: what the lake published since the backup stays, and stays current.

    Raises
    ------
    Permanent
        The backup is damaged, or is of another lake or another kind of stack; nothing was changed. Or something was published
        while the databases were read in.
    """
    from lake.objects import lake_store

    made = checked(folder)
    if made.stack != databases.stack:
        raise Permanent(f"backup {folder}", expected=f"one of the {databases.stack} stack", found=made.stack,
                        do=f"Restore it with --stack {made.stack}")  # fmt: skip
    store = lake_store(settings)
    lacking = _lacking(store, folder, made)
    for part in made.of(databases.kind):
        databases.load(part.name, folder / part.file)
        say(f"restored {part.kind} {part.name}")
    # A move of the pointer comes after the release that it shows: nobody sees one that is not there.
    for part in sorted(lacking, key=lambda part: (part.name.startswith("releases/pointer"), part.name)):
        _put(store, part.name, (folder / part.file).read_bytes())
    say(f"restored {len(lacking)} of {len(made.of('object'))} objects; the others are there")
    return made


class SqliteFiles:
    """The SQLite files of the embedded stack, by the paths that the settings give.

    Parameters
    ----------
    files : file by name.
    """

    kind: Kind = "sqlite"
    stack = "embedded"

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    @classmethod
    def of(cls, settings: "Settings") -> "SqliteFiles":
        """MLflow's file, and those below Dagster's home."""
        found: dict[str, Path] = {}
        if settings.mlflow_tracking_uri.startswith("sqlite:///"):
            found["mlflow"] = settings.path(settings.mlflow_tracking_uri.removeprefix("sqlite:///"))
        home = settings.path(settings.dagster_home)
        for file in sorted(home.rglob("*.db")) if home.exists() else ():
            found[f"dagster/{file.relative_to(home).as_posix()}"] = file
        return cls(_Below(found, home))

    def names(self) -> Sequence[str]:
        """Those that there are."""
        return [name for name, file in self._files.items() if file.is_file()]

    def save(self, name: str, target: Path) -> None:
        """By SQLite's own backup, which writers do not disturb."""
        with closing(_opened(self._files[name])) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it

    def load(self, name: str, source: Path) -> None:
        """The copy takes the file's place; nobody may have it open."""
        target = self._files[name]
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.restored")
        partial.unlink(missing_ok=True)
        with closing(_opened(source)) as copy, closing(sqlite3.connect(partial)) as made:
            copy.backup(made)
        for left in ("-wal", "-shm", "-journal"):  # of the file that is replaced
            target.with_name(target.name + left).unlink(missing_ok=True)
        partial.replace(target)


class _Below(dict[str, Path]):
    """Files by name; one of Dagster's that is gone is known by its name."""

    def __init__(self, found: Mapping[str, Path], home: Path) -> None:
        super().__init__(found)
        self._home = home

    def __missing__(self, name: str) -> Path:
        if not name.startswith("dagster/"):
            raise Permanent(f"database {name}", expected="one that the settings keep in a SQLite file", found="another",
                            do="Set MARKETLAKE_MLFLOW_TRACKING_URI as it was when the backup was taken")  # fmt: skip
        return self._home / name.removeprefix("dagster/")


def _objects(store: "Store", folder: Path, say: Say) -> list[Part]:
    paths = [path for prefix in KEPT for path in store.list(prefix)]
    made = [_part("object", path, folder, f"{OBJECTS}/{path}", store.get(path)) for path in paths]
    say(f"saved {len(made)} objects of the lake: releases, their pointer, champions")
    return made


def _databases(databases: Databases, folder: Path, say: Say) -> list[Part]:
    made = []
    for name in databases.names():
        file = f"{databases.kind}/{name.replace('/', '_')}"
        (folder / file).parent.mkdir(exist_ok=True, mode=0o700)
        databases.save(name, folder / file)
        (folder / file).chmod(0o600)
        made.append(Part(databases.kind, name, file, (folder / file).stat().st_size, _sha256(folder / file)))
        say(f"saved {databases.kind} {name}: {made[-1].size_bytes:,} bytes")
    return made


def _lacking(store: "Store", folder: Path, made: Manifest) -> list[Part]:
    """The objects that the lake does not have; what is written anew (pointers, the newest drift) may have moved on, and stays."""
    lacking, other = [], []
    for part in made.of("object"):
        if not store.exists(part.name):
            lacking.append(part)
        elif not part.name.endswith(POINTERS) and store.get(part.name) != (folder / part.file).read_bytes():
            other.append(part.name)
    if other:
        raise Permanent(f"backup {folder}", expected="objects as the lake has them", found="others of the same name",
                        keys=other[:5], do=f"It is a backup of another lake, {made.lake_url}: set MARKETLAKE_LAKE_URL")  # fmt: skip
    return lacking


def _put(store: "Store", path: str, payload: bytes) -> None:
    """Never over what somebody wrote meanwhile: releases and moves of the pointer are written once, a champion moved on."""
    if not (store.put_if_absent(path, payload) or path.endswith(POINTERS) or store.get(path) == payload):
        raise Permanent(
            f"{store.url}/{path}", expected="nothing, or what the backup holds", found="another, written while this ran",
            do="It stays, and is current; the databases are restored. End who publishes before you restore again",
        )  # fmt: skip


def _part(kind: Kind, name: str, folder: Path, file: str, payload: bytes) -> Part:
    target = folder / file
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(target, payload)
    return Part(kind, name, file, len(payload), hashlib.sha256(payload).hexdigest())


def _is_as_told(folder: Path, part: Part) -> bool:
    file = (folder / part.file).resolve()
    return file.is_relative_to(folder.resolve()) and file.is_file() and _sha256(file) == part.sha256


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(target: Path, payload: bytes) -> None:
    partial = target.with_name(f".{target.name}.partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(payload)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(target)


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=60)
