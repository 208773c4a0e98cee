"""One connection to Trino: runs a statement, gives Arrow, ends it at the server when asked from another thread.

What does not belong here: what is asked.
"""

import threading
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import requests
from trino.auth import BasicAuthentication
from trino.client import ClientSession, TrinoQuery, TrinoRequest
from trino.exceptions import Error, HttpError, TrinoQueryError

from lake.sql import trino_rows
from lake.sql.cursors import TimedOut
from market.errors import MarketlakeError, Permanent, Transient

UNKNOWN_TABLE = frozenset({"TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "CATALOG_NOT_FOUND"})
_PASSING = frozenset({"INTERNAL_ERROR", "INSUFFICIENT_RESOURCES", "EXTERNAL"})
_CANCEL_S = 5.0


@dataclass(frozen=True)
class Address:
    """Where Trino is, from `trino://user@host:port/catalog` or, over TLS, `trinos://user[:password]@host:port/catalog`."""

    user: str
    host: str
    port: int
    catalog: str
    scheme: str = "http"
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, sql_url: str) -> "Address":
        """The address.

        Raises
        ------
        Permanent
            The setting names another engine, lacks a part, or has a password that would go over the wire in the clear.
        """
        parts = urlsplit(sql_url)
        catalog = parts.path.strip("/")
        if parts.scheme not in ("trino", "trinos") or not parts.hostname or not parts.username or not catalog:
            raise Permanent(
                "MARKETLAKE_SQL_URL", expected="trino://user@host:port/lake", found=repr(_without_password(sql_url)),
                do="`marketlake up --stack local` starts Trino and sets it; else ask with --engine duckdb",
            )  # fmt: skip
        is_safe = parts.scheme == "trinos"
        if parts.password and not is_safe:
            raise Permanent(
                "MARKETLAKE_SQL_URL", expected="trinos:// (TLS) for an address with a password",
                found=repr(_without_password(sql_url)), do="Trino takes passwords over TLS alone: leave it out, or use trinos://",
            )  # fmt: skip
        port = parts.port or (443 if is_safe else 8080)
        scheme, password = "https" if is_safe else "http", unquote(parts.password or "")
        return cls(unquote(parts.username), parts.hostname, port, catalog, scheme, password)

    @property
    def where(self) -> str:
        """Host and port, for messages."""
        return f"Trino at {self.host}:{self.port}"


class Connection:
    """Statements one after another; `interrupt` from any thread ends the one that runs.

    Parameters
    ----------
    limit_s : the server ends a statement after it.
    answer_s : the server answers a waiting client each second; one that does not for so long is away. Never much longer than
        the limit: nothing else ends a statement whose server hangs.
    """

    def __init__(self, address: Address, limit_s: float, answer_s: float = 30.0) -> None:
        self._address, self._answer_s = address, min(answer_s, limit_s + 2.0)
        self._auth = BasicAuthentication(address.user, address.password) if address.password else None
        self._http = requests.Session()
        # At least a second: a finer limit is the caller's own watch's.
        properties = {"query_max_run_time": f"{max(1.0, limit_s):.3f}s"}
        self._session = ClientSession(
            address.user, catalog=address.catalog, source="marketlake", timezone="UTC", properties=properties
        )
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self.query_id = ""

    def run(self, statement: str) -> pa.Table:
        """The rows of one statement; none for one that makes something.

        Raises
        ------
        TimedOut
            It was interrupted, or ran for longer than the limit.
        Transient
            The server is away, or cannot run it now.
        Refused
            Trino refuses the statement.
        """
        request = TrinoRequest(
            host=self._address.host, port=self._address.port, client_session=self._session, http_session=self._http,
            http_scheme=self._address.scheme, auth=self._auth, max_attempts=1, request_timeout=self._answer_s,
        )  # fmt: skip
        running = _Running(request, self._http.auth)
        with self._lock:
            self._running = running
        try:
            query = TrinoQuery(request, statement, legacy_primitive_types=True)
            rows = list(query.execute())
            self.query_id = query.query_id or ""
            running.refuse_interrupted()
            return trino_rows.table([(column["name"], column["type"]) for column in query.columns or ()], rows)
        except (Error, HttpError, requests.RequestException) as error:
            raise self._translated(error, running) from error
        finally:
            with self._lock:
                self._running = None

    def interrupt(self) -> None:
        """End the statement that runs, at the server too; returns at once."""
        with self._lock:
            if self._running is not None:
                self._running.interrupt()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _translated(self, error: Exception, running: "_Running") -> MarketlakeError:
        if running.is_interrupted:
            return running.timed_out()
        if isinstance(error, TrinoQueryError):
            message = str(error.message)
            if error.error_name in ("EXCEEDED_TIME_LIMIT", "ABANDONED_QUERY"):
                return running.timed_out()
            if error.error_name in ("ADMINISTRATIVELY_KILLED", "USER_CANCELED"):
                return Transient("query", expected="to run to its end", found=f"ended at the server: {message}")
            if error.error_type in _PASSING:
                return Transient(self._address.where, expected="to run the query", found=message)
            return Refused(str(error.error_name), message)
        return Transient(
            self._address.where, expected="an answer", found=_short(error), do="`marketlake status` says how it is"
        )


class Refused(Permanent):
    """Trino refuses a statement.

    Parameters
    ----------
    name : Trino's name of the error, such as TABLE_NOT_FOUND.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__("query", expected="SQL that Trino can run", found=message)
        self.name = name


class _Running:
    """The statement under way."""

    def __init__(self, request: Any, auth: Any) -> None:
        self._request, self._auth = request, auth
        self._began = monotonic()
        self.is_interrupted = False

    def interrupt(self) -> None:
        if not self.is_interrupted:
            self.is_interrupted = True
            threading.Thread(target=self._cancel, name="trino-cancel", daemon=True).start()

    def refuse_interrupted(self) -> None:
        if self.is_interrupted:
            raise self.timed_out()

    def timed_out(self) -> TimedOut:
        return TimedOut("query", expected="an answer in time", found=f"none after {monotonic() - self._began:.1f} s",
                        do="Ask for fewer rows, or filter by security_id or session_date")  # fmt: skip

    def _cancel(self) -> None:
        """Tell the server; the statement may not have its address yet."""
        give_up = monotonic() + _CANCEL_S
        while self._request.next_uri is None and monotonic() < give_up:
            sleep(0.02)
        if self._request.next_uri is not None:
            try:
                requests.delete(self._request.next_uri, auth=self._auth, timeout=_CANCEL_S)
            except requests.RequestException:
                return  # the server is away, or ends it by its own limit


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url


def _short(error: Exception) -> str:
    return str(error).split("(Caused by")[-1].strip(" )")[:300] or type(error).__name__
