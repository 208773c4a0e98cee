"""Removing the files of tables that nothing pins: no release, no registered model, no newest version, none of the last days.

deltalake's own vacuum knows retention alone, and would take what an old release still shows. Here the files of every pinned
version are looked up first, and only what none of them names, and what is older than any write under way, is removed. The
tables' logs stay. What does not belong here: who pins besides the releases (`marketlake.upkeep` asks the models).
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError
from deltalake import DeltaTable

from lake import aws
from lake.delta import DeltaLake
from lake.objects import Store, lake_store
from lake.releases import FOLDER as RELEASES
from lake.releases import POINTER
from lake.settings import Settings
from lake.staging import FOLDER as STAGING
from market import registry
from market.errors import Permanent, Transient

KEEP = timedelta(days=30)
SAFE = timedelta(days=7)
HEAD, RECENT = "newest", "recent"
_READERS = 8

Pins = Mapping[str, Mapping[str, int]]
"""Who pins: table versions by holder, such as `release r00003` or `model return_rank_5d 2`."""


@dataclass(frozen=True)
class Entry:
    """A file below the lake's root: its path there, its size, when it was written."""

    path: str
    size_bytes: int
    written_at: datetime


@dataclass(frozen=True)
class Hold:
    """A version that stays.

    Parameters
    ----------
    holders : why: releases, models, `newest` for the head, `recent` for one of the last days.
    n_files, size_bytes : what it shows.
    alone_bytes : of that, what no other version that stays shows.
    """

    version: int
    holders: tuple[str, ...]
    n_files: int
    size_bytes: int
    alone_bytes: int


@dataclass(frozen=True)
class Swept:
    """What became of one table, or of the staging folder.

    Parameters
    ----------
    removed : files that nothing needs; removed, or to be removed in a dry run.
    waiting : files that nothing names and that are too young to be taken: a commit may be under way.
    holds : the versions that stay, newest first.
    """

    what: str
    removed: tuple[Entry, ...]
    waiting: tuple[Entry, ...]
    kept_files: int
    kept_bytes: int
    holds: tuple[Hold, ...]

    @property
    def removed_bytes(self) -> int:
        """Bytes of what was removed."""
        return sum(entry.size_bytes for entry in self.removed)


@dataclass(frozen=True)
class Rule:
    """What stays besides what is pinned.

    Parameters
    ----------
    keep : every version written within this long before now stays readable.
    safe : a file written within this long before now stays: whoever wrote it may be about to commit it.
    """

    now: datetime
    keep: timedelta = KEEP
    safe: timedelta = SAFE


def sweep(settings: Settings, pins: Pins, rule: Rule, *, only: str = "", dry_run: bool = False) -> Iterator[Swept]:
    """Table by table what was removed, and the staging folder at the end.

    Files are listed before the pins are read: what is written or published meanwhile is not among what may be removed.

    Parameters
    ----------
    pins : of others than the releases, which are read here.
    only : a table's name; all by default.
    dry_run : nothing is removed.

    Raises
    ------
    Permanent
        A pinned version lacks files, or the table keeps rows outside its data files: nothing of the table was removed.
    """
    files, store, delta = Files(settings), lake_store(settings), DeltaLake(settings)
    for name in [only] if only else list(registry.tables()):
        if not delta.exists(registry.table(name)):
            continue
        listed = files.below(f"{_folder(name)}/")
        yield _swept(store, delta, name, listed, {**release_pins(store), **pins}, rule, dry_run)
    if not only:
        old, young = _parted(files.below(f"{STAGING}/"), rule)
        yield _removed(store, Swept(STAGING, tuple(old), tuple(young), 0, 0, ()), dry_run)


def release_pins(store: Store) -> dict[str, Mapping[str, int]]:
    """What the releases pin: those of the pointer's moves, and one that is written and about to become current."""
    paths = [path for path in store.list(f"{RELEASES}/") if not path.startswith(POINTER)]
    bodies = [json.loads(store.get(path)) for path in paths if path.endswith(".json")]
    return {f"release {body['release_id']}": body["tables"] for body in bodies}


class Files:
    """Files of the lake with their sizes and times, in a folder or on S3; half-written ones too."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = None if settings.lake_url.startswith("s3://") else settings.path(settings.lake_url)

    def below(self, prefix: str) -> list[Entry]:
        """Every file whose path begins so, in order of path."""
        found = self._on_s3(prefix) if self._root is None else self._in_folder(self._root, prefix)
        return sorted(found, key=lambda entry: entry.path)

    def _in_folder(self, root: Path, prefix: str) -> Iterator[Entry]:
        for folder, _, names in os.walk(root / prefix):
            for name in names:
                path = Path(folder) / name
                try:
                    facts = path.stat()
                except FileNotFoundError:
                    continue  # renamed or removed since it was listed
                at = datetime.fromtimestamp(facts.st_mtime, UTC)
                yield Entry(path.relative_to(root).as_posix(), facts.st_size, at)

    def _on_s3(self, prefix: str) -> Iterator[Entry]:
        bucket, lake = aws.bucket_and_prefix(self._settings)
        pages = aws.client(self._settings, "s3").get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=bucket, Prefix=lake + prefix):
                for one in page.get("Contents", ()):
                    yield Entry(one["Key"].removeprefix(lake), int(one["Size"]), one["LastModified"].astimezone(UTC))
        except (BotoCoreError, ClientError) as error:
            raise Transient(f"s3://{bucket}/{lake}{prefix}", expected="a listing", found=str(error)) from error


def _swept(
    store: Store, delta: DeltaLake, name: str, listed: Iterable[Entry], pins: Pins, rule: Rule, dry_run: bool
) -> Swept:
    head = delta.open(name)
    _refuse_hidden_rows(head, name)
    holders = _holders(head, name, pins, rule)
    shown = _shown(delta, name, holders)
    data = {entry.path: entry for entry in listed if not _is_hidden(entry.path)}
    for version, paths in shown.items():
        if holders[version] != [RECENT]:  # one that an earlier vacuum with a shorter time took apart holds nothing back
            _refuse_missing(store, name, version, holders[version], paths - data.keys())
    needed = set().union(*shown.values())
    old, young = _parted([entry for path, entry in data.items() if _data_file(path) not in needed], rule)
    kept = [data[path] for path in needed if path in data]
    report = Swept(
        name, tuple(old), tuple(young), len(kept), sum(e.size_bytes for e in kept), _holds(holders, shown, data)
    )
    return _removed(store, report, dry_run)


def _holders(head: DeltaTable, name: str, pins: Pins, rule: Rule) -> dict[int, list[str]]:
    """Why each version stays; versions ascending."""
    found: dict[int, list[str]] = {}
    for holder, tables in pins.items():
        if name in tables:
            found.setdefault(int(tables[name]), []).append(holder)
    found.setdefault(head.version(), []).append(HEAD)
    since_ms = (rule.now - rule.keep).timestamp() * 1000
    for commit in head.history():
        if float(commit.get("timestamp", 0)) > since_ms and commit["version"] not in found:
            found[commit["version"]] = [RECENT]
    return dict(sorted(found.items()))


def _shown(delta: DeltaLake, name: str, versions: Iterable[int]) -> dict[int, set[str]]:
    """The files of each version, as paths below the lake's root."""
    with ThreadPoolExecutor(_READERS) as pool:
        versions = list(versions)
        return dict(zip(versions, pool.map(lambda version: _paths(delta, name, version), versions), strict=True))


def _paths(delta: DeltaLake, name: str, version: int) -> set[str]:
    table, folder = delta.open(name, version), _folder(name)
    found = set()
    for uri in table.file_uris():
        _, has_folder, rest = uri.rpartition(f"/{folder}/")
        if not has_folder:
            raise Permanent(f"{name} version {version}", expected=f"files below {delta.uri(name)}", found=uri,
                            do="A table that shows files of another one cannot be vacuumed")  # fmt: skip
        found.add(f"{folder}/{unquote(rest)}")
    return found


def _holds(
    holders: Mapping[int, list[str]], shown: Mapping[int, set[str]], data: Mapping[str, Entry]
) -> tuple[Hold, ...]:
    size = {path: entry.size_bytes for path, entry in data.items()}
    times = Counter(path for paths in shown.values() for path in paths)
    return tuple(
        Hold(version, tuple(holders[version]), len(paths), sum(size.get(path, 0) for path in paths),
             sum(size.get(path, 0) for path in paths if times[path] == 1))
        for version, paths in sorted(shown.items(), reverse=True)
    )  # fmt: skip


def _parted(entries: Iterable[Entry], rule: Rule) -> tuple[list[Entry], list[Entry]]:
    """Those old enough to be removed, and those that are not."""
    old: list[Entry] = []
    young: list[Entry] = []
    for entry in entries:
        (old if entry.written_at <= rule.now - rule.safe else young).append(entry)
    return old, young


def _removed(store: Store, report: Swept, dry_run: bool) -> Swept:
    if not dry_run and report.removed:
        with ThreadPoolExecutor(_READERS) as pool:
            list(pool.map(lambda entry: store.delete(entry.path), report.removed))
    return report


def _data_file(path: str) -> str:
    """The file that a path belongs to: Hadoop keeps a checksum `.NAME.crc` beside each file of a folder."""
    folder, _, name = path.rpartition("/")
    if name.startswith(".") and name.endswith(".crc"):
        return f"{folder}/{name[1:-4]}"
    return path


def _is_hidden(path: str) -> bool:
    """True for what is below a folder such as `_delta_log`: the log, and what Delta keeps beside the data."""
    return any(part.startswith("_") and "=" not in part for part in path.split("/")[:-1])


def _folder(name: str) -> str:
    return name.replace(".", "/")


def _refuse_hidden_rows(table: DeltaTable, name: str) -> None:
    if "deletionVectors" in (table.protocol().reader_features or ()):
        raise Permanent(name, expected="a table whose rows are all in its data files", found="deletion vectors",
                        do="Their files are not told apart here: nothing of the table was removed")  # fmt: skip


def _refuse_missing(store: Store, name: str, version: int, holders: list[str], missing: Iterable[str]) -> None:
    gone = [path for path in sorted(missing) if not store.exists(path)]  # one of a commit after the listing is there
    if gone:
        raise Permanent(
            f"{name} version {version}, held by {', '.join(holders)}", expected="all of its files", found=f"{len(gone)} missing",
            keys=gone[:3], do="Nothing of the table was removed: find out first who removed these",
        )  # fmt: skip
