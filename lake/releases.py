"""Releases: which version of every table people see, and the pointer to the current one.

A release is one small immutable object; the pointer is a log of generations, each written once and only if nobody was first.
The highest generation says what is current. What does not belong here: deciding whether a release may be published
(`assets.publish` asks the checks).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from lake.objects import Store
from market.errors import Permanent, Transient

FOLDER = "releases"
POINTER = "releases/pointer"


@dataclass(frozen=True)
class Release:
    """What consumers read, and what it can be traced to.

    Parameters
    ----------
    kind : `data` or `predictions`, the two that a day publishes.
    as_of : the instant of the work, by the sources' clock: nothing in the release was known later.
    tables : Delta version by table name.
    first_session, last_session : the sessions that gold covers.
    code_sha, code_dirty : the commit that built it, and whether the work tree differed from it.
    checks : counts of the outcomes that let it pass.
    """

    release_id: str
    kind: str
    created_at: datetime
    as_of: datetime
    code_sha: str
    code_dirty: bool
    rulebook: str
    tables: Mapping[str, int]
    first_session: str
    last_session: str
    parent: str = ""
    checks: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The object as it is stored."""
        body = asdict(self) | {"created_at": self.created_at.isoformat(), "as_of": self.as_of.isoformat()}
        return json.dumps(body, indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Release":
        """The release that `to_json` wrote."""
        body: dict[str, Any] = json.loads(text)
        for name in ("created_at", "as_of"):
            body[name] = datetime.fromisoformat(body[name]).astimezone(UTC)
        return cls(**body)

    @property
    def meta(self) -> dict[str, str]:
        """What every answer says of where it comes from."""
        return {
            "release_id": self.release_id,
            "as_of": self.as_of.isoformat(),
            "code_sha": self.code_sha + ("+dirty" if self.code_dirty else ""),
            "rulebook": self.rulebook,
        }


@dataclass(frozen=True)
class Generation:
    """One move of the pointer."""

    number: int
    release_id: str
    action: str
    moved_at: datetime


class Releases:
    """The releases of one lake."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read_moves: dict[str, Generation] = {}  # a move and a release are written once
        self._read_releases: dict[str, Release] = {}

    def current(self) -> Release | None:
        """The release that people see; None before the first."""
        return self.head()[1]

    def head(self) -> tuple[int, Release | None]:
        """Number of the pointer's last move and the release that it shows; 0 and None before the first."""
        last = self._last()
        return (last.number, self._read(last.release_id)) if last else (0, None)

    def get(self, release_id: str) -> Release:
        """The release of that id.

        Raises
        ------
        Permanent
            There is none.
        """
        if release_id not in self._published():
            known = ", ".join(r.release_id for r in self.list()[:5]) or "none"
            raise Permanent(f"release {release_id}", expected="a published release", found="no such id", keys=[known],
                            do="See `marketlake release list`")  # fmt: skip
        return self._read(release_id)

    def list(self) -> Sequence[Release]:
        """Every release ever published, newest first; one whose publisher ended before the pointer moved is none."""
        return [self._read(release_id) for release_id in sorted(self._published(), reverse=True)]

    def generations(self) -> Sequence[Generation]:
        """Every move of the pointer, oldest first."""
        return [self._generation(path) for path in self._moves()]

    def next_id(self) -> str:
        """An id that sorts after every earlier one: r00001, r00002, …"""
        written = [path.rsplit("/", 1)[-1] for path in self._store.list(FOLDER) if not path.startswith(POINTER)]
        numbers = [int(name[1:-5]) for name in written if name.startswith("r") and name.endswith(".json")]
        return f"r{max(numbers, default=0) + 1:05d}"

    def publish(
        self, release: Release, after: int | None = None, ready: Callable[[Release], None] | None = None
    ) -> Release:
        """Write the release, then move the pointer to it by one conditional write.

        Parameters
        ----------
        ready : called once the release's id is ours, before the pointer moves.
        after : number of the pointer's move that the release was made from, by `head`; the last one unless given.

        Raises
        ------
        Transient
            Somebody moved the pointer since; read the current release again.
        """
        if not self._store.put_if_absent(f"{FOLDER}/{release.release_id}.json", release.to_json()):
            raise self._lost(release.release_id)
        if ready is not None:
            ready(release)
        self._move(release.release_id, "publish", self.head()[0] if after is None else after)
        return release

    def rollback(self, release_id: str | None = None) -> Release:
        """Move the pointer back: to that release, or to the parent of the current one.

        Raises
        ------
        Permanent
            There is nothing to go back to.
        """
        number, current = self.head()
        target = release_id or (current.parent if current else "")
        if not target:
            raise Permanent("release rollback", expected="an earlier release", found="none", do="See `release list`")
        release = self.get(target)
        self._move(release.release_id, "rollback", number)
        return release

    def _last(self) -> Generation | None:
        moves = self._moves()
        return self._generation(moves[-1]) if moves else None

    def _moves(self) -> Sequence[str]:
        return sorted(path for path in self._store.list(POINTER) if path.endswith(".json"))

    def _generation(self, path: str) -> Generation:
        if path not in self._read_moves:
            body = json.loads(self._store.get(path))
            moved_at = datetime.fromisoformat(body["moved_at"])
            self._read_moves[path] = Generation(int(body["number"]), body["release_id"], body["action"], moved_at)
        return self._read_moves[path]

    def _published(self) -> set[str]:
        return {generation.release_id for generation in self.generations()}

    def _read(self, release_id: str) -> Release:
        if release_id not in self._read_releases:
            self._read_releases[release_id] = Release.from_json(self._store.get(f"{FOLDER}/{release_id}.json"))
        return self._read_releases[release_id]

    def _move(self, release_id: str, action: str, after: int) -> None:
        number = after + 1
        body = {"number": number, "release_id": release_id, "action": action, "moved_at": datetime.now(UTC).isoformat()}
        if not self._store.put_if_absent(f"{POINTER}/{number:08d}.json", json.dumps(body).encode()):
            raise self._lost(release_id)

    def _lost(self, release_id: str) -> Transient:
        return Transient(f"release {release_id}", expected="to be the only publisher", found="another one was first",
                         do="Run it again; it starts from the release that is current now")  # fmt: skip
