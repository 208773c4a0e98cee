"""The databases of the local stack's PostgreSQL: made where missing, put back without a moment in which one is missing."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import sleep

import psycopg

from marketlake.stack.dump import PostgresDatabases
from marketlake.stack.place import Place
from marketlake.stack.servers import postgres
from tests.marketlake.conftest import fill, rows


def databases(place: Place) -> set[str]:
    with psycopg.connect(place.postgres_url("postgres")) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def test_whoever_asks_for_the_state_during_a_restoration_does_not_take_the_name(server: Place, tmp_path: Path) -> None:
    fill(server)
    there, stop = PostgresDatabases(server), Event()
    there.save("mlflow", tmp_path / "dump")

    def ask() -> None:
        while not stop.is_set():
            postgres.is_ready(server)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            for _ in range(2):
                there.load("mlflow", tmp_path / "dump")
        finally:
            stop.set()
    assert all(one.exception() is None for one in asking)
    assert len(rows(server, "mlflow")) == 500 and databases(server) >= set(postgres.DATABASES)
    assert not {name for name in databases(server) if name.endswith(("_restored", "_before"))}


def test_a_client_that_comes_back_at_once_does_not_hold_up_a_restoration(server: Place, tmp_path: Path) -> None:
    fill(server)
    there, stop = PostgresDatabases(server), Event()
    there.save("dagster", tmp_path / "dump")

    def work() -> None:
        while not stop.is_set():
            try:
                with psycopg.connect(server.postgres_url("dagster"), autocommit=True) as connection:
                    while not stop.is_set():
                        connection.execute("SELECT 1")
                        sleep(0.001)
            except psycopg.OperationalError:
                continue

    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(work)
        try:
            there.load("dagster", tmp_path / "dump")
        finally:
            stop.set()
    assert len(rows(server, "dagster")) == 500


def test_two_that_make_a_missing_database_at_once_both_go_on(server: Place) -> None:
    for _ in range(3):
        with psycopg.connect(server.postgres_url("postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE marketlake WITH (FORCE)")
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(lambda _: postgres.is_ready(server), range(4)))
    assert "marketlake" in databases(server)
