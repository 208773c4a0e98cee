"""What passes between a caller and a job of Spark elsewhere: the request, the rows, the answer or the refusal, in the lake's store.

A file that a job did not finish is never taken: the answer comes last, and holds the digest of the rows. What does not belong
here: starting a job (`assets.remote`), and what it does (`lake.spark_main`).
"""

import hashlib
import io
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake.objects import Store
from market.errors import MarketlakeError, Permanent, Transient
from market.table import Window

FOLDER = "staging"
"""Below the lake's root. Nothing in it is needed once its job has ended."""

_ROWS, _ANSWER = "rows.parquet", "answer.json"


@dataclass(frozen=True)
class Request:
    """One job: build the candidate of a window.

    Parameters
    ----------
    table : its name.
    place : the job's folder, below the lake's root.
    """

    table: str
    window: Window
    place: str

    @classmethod
    def new(cls, table: str, window: Window) -> "Request":
        """A request with a folder of its own."""
        return cls(table, window, f"{FOLDER}/{table}-{uuid.uuid4().hex}")

    @property
    def token(self) -> str:
        """32 characters that no other request has: asked for twice with them, it is still one job."""
        return self.place[-32:]

    def to_json(self) -> dict[str, Any]:
        """As a job is told it: text alone."""
        window = self.window
        days = {"start": str(window.start), "end": str(window.end), "now": window.now.isoformat()}
        return {"table": self.table, "place": self.place, **days}

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> "Request":
        """What `to_json` said.

        Raises
        ------
        Permanent
            It is no request: caller and job run different code.
        """
        try:
            start, end = (date.fromisoformat(told[name]) for name in ("start", "end"))
            window = Window(start, end, datetime.fromisoformat(told["now"]))
            return cls(told["table"], window, told["place"])
        except (KeyError, TypeError, ValueError) as error:
            raise Permanent("a job's request", expected="table, window and place", found=f"{told}") from error


@dataclass(frozen=True)
class Answer:
    """What a job tells when it succeeded.

    Parameters
    ----------
    rows : how many it left.
    digest : SHA-256 of the file of rows that it left.
    seconds : how long building took, without the start of the job.
    """

    rows: int
    digest: str
    seconds: float


class Staging:
    """The folder of one job.

    Parameters
    ----------
    store : the lake's.
    """

    def __init__(self, store: Store, place: str) -> None:
        self._store, self.place = store, place

    def leave(self, rows: pa.Table) -> str:
        """Write the rows; the digest of their file."""
        sink = io.BytesIO()
        pq.write_table(rows, sink, compression="zstd")
        self._store.put(self._at(_ROWS), sink.getvalue())
        return hashlib.sha256(sink.getvalue()).hexdigest()

    def rows(self, digest: str) -> pa.Table:
        """The rows that were left.

        Parameters
        ----------
        digest : their file's.

        Raises
        ------
        Transient
            The file is not the one that the answer told of.
        """
        payload = self._store.get(self._at(_ROWS))
        found = hashlib.sha256(payload).hexdigest()
        if found != digest:
            raise Transient(f"{self._store.url}/{self._at(_ROWS)}", expected=f"SHA-256 {digest}", found=found)
        return pq.read_table(io.BytesIO(payload))

    def answer(self, answer: Answer) -> None:
        """Tell the caller that all is there."""
        self._put({"answer": asdict(answer)})

    def refuse(self, error: MarketlakeError) -> None:
        """Tell the caller what the job failed of, and whether a rerun may help."""
        told = {"where": error.where, "expected": error.expected, "found": error.found, "do": error.do}
        self._put({"refusal": {**told, "keys": [str(key) for key in error.keys]}, "may_pass": error.retryable})

    def told(self) -> Answer:
        """The job's answer.

        Raises
        ------
        Permanent, Transient
            What the job itself failed of.
        Missing
            It told nothing: it was ended, or never began.
        """
        said = json.loads(self._store.get(self._at(_ANSWER)))
        if "refusal" in said:
            kind = Transient if said["may_pass"] else Permanent
            raise kind(**said["refusal"])
        return Answer(**said["answer"])

    def is_told(self) -> bool:
        """True where the job has said how it ended."""
        return self._store.exists(self._at(_ANSWER))

    def clear(self) -> None:
        """Remove everything of the job."""
        for path in self._store.list(f"{self.place}/"):
            self._store.delete(path)

    def _put(self, said: Mapping[str, Any]) -> None:
        self._store.put(self._at(_ANSWER), json.dumps(said, ensure_ascii=False).encode())

    def _at(self, name: str) -> str:
        return f"{self.place}/{name}"


def missing_answer(request: Request) -> Transient:
    """The failure of a job that ended as if well, and told nothing."""
    return Transient(f"a build of {request.table}", expected=f"an answer in {request.place}", found="none")
