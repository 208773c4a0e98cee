"""The local stack: started in order, kept running, ended without a trace; nobody but its owner reads its passwords."""

import json
import os
import signal
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic, sleep

import psutil
import psycopg
import pytest
from redis import Redis

from lake.settings import Settings
from market.errors import Permanent
from marketlake import environment, processes
from marketlake.service import Service
from marketlake.stack import local
from marketlake.stack.place import Place, write_private
from marketlake.stack.servers import dagster, redis, spark
from marketlake.stack.supervisor import MARK, Supervisor
from tests.marketlake.conftest import running_pid, sleeper


def test_every_server_comes_after_what_it_waits_for(settings):
    ordered = [service.name for service in local.platform(Place(settings))]
    for service in local.platform(Place(settings)):
        assert all(ordered.index(other) < ordered.index(service.name) for other in service.waits_for)
    assert {"s3", "postgres", "redis", "spark-master", "spark-worker-1", "spark-worker-2", "trino", "mlflow", "dagster",
            "dagster-code", "dagster-daemon", "api", "data-docs"} == set(ordered)  # fmt: skip


def test_every_port_is_moved_by_a_setting_that_there_is_and_no_two_are_equal(settings):
    found = local.platform(Place(settings))
    names = {f"MARKETLAKE_{name.upper()}" for name in Settings.model_fields}
    assert {service.moved_by for service in found if service.port} <= names
    ports = [port for service in found for port in (service.port, *service.more_ports) if port]
    assert len(ports) == len(set(ports))


def test_credentials_are_made_once_and_differ_between_stacks_and_only_the_owner_reads_them(settings, tmp_path):
    first = Place(settings).credentials
    assert Place(settings).credentials == first
    other = Place(settings.model_copy(update={"state_dir": tmp_path / "other"})).credentials
    ours, theirs = (set(json.loads((p.folder / "credentials.json").read_text()).values())
                    for p in (Place(settings), Place(settings.model_copy(update={"state_dir": tmp_path / "other"}))))  # fmt: skip
    assert len(ours) == 10 and not ours & theirs and other != first
    assert (Place(settings).folder / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_a_credential_that_an_older_version_did_not_know_is_made_and_the_others_stay(settings):
    first = Place(settings).credentials
    file = Place(settings).folder / "credentials.json"
    held = json.loads(file.read_text())
    del held["s3_reader_secret"]
    file.write_text(json.dumps({**held, "of_a_newer_version": "1"}))
    later = Place(settings).credentials
    assert later.s3_reader_secret not in ("", first.s3_reader_secret) and Place(settings).credentials == later
    assert replace(later, s3_reader_secret=first.s3_reader_secret) == first
    assert file.stat().st_mode & 0o777 == 0o600


def test_no_password_stands_on_a_command_line(settings):
    place = Place(settings)
    secrets = set(json.loads((place.credentials and place.folder / "credentials.json").read_text()).values())
    for service in local.platform(place):
        assert not any(secret in part for secret in secrets for part in service.command), service.name


def test_what_redis_acknowledged_survives_its_kill(settings):
    place = Place(settings)
    (service,) = redis.services(place)
    write_private(*next(iter(service.files.items())))
    for round_no in range(2):
        process = processes.start(service.command, log=place.folder / "redis.log", environment=dict(os.environ),
                                  cwd=place.folder, port=service.port, dies_with_us=True)  # fmt: skip
        try:
            processes.wait_ready(process, service.answers, name="redis", timeout_s=30)
            with Redis.from_url(place.redis_url(redis.ONLINE)) as client:
                assert client.get("filled") == (b"r00003" if round_no else None)
                client.set("filled", "r00003")
        finally:
            os.kill(process.pid, signal.SIGKILL)
            processes.stop(process)


def test_the_daemon_is_ready_while_its_beats_are_told_and_a_worker_once_its_master_counts_it(server, settings):
    [daemon] = [one for one in dagster.services(server) if one.name == "dagster-daemon"]
    assert not daemon.answers(), "no table yet"
    with psycopg.connect(server.postgres_url("dagster"), autocommit=True) as connection:
        connection.execute("CREATE TABLE daemon_heartbeats (daemon_type text, timestamp timestamp)")
        connection.execute("INSERT INTO daemon_heartbeats SELECT 'SENSOR', now() AT TIME ZONE 'utc'")
        assert not daemon.answers(), "a beat of another part"
        beat = (
            "INSERT INTO daemon_heartbeats SELECT 'QUEUED_RUN_COORDINATOR', now() AT TIME ZONE 'utc' - interval '{} s'"
        )
        connection.execute(beat.format(200))
        assert not daemon.answers(), "it hangs"
        connection.execute(beat.format(20))
        assert daemon.answers()
        connection.execute("DROP TABLE daemon_heartbeats")
    first, second = (one for one in spark.services(Place(settings)) if one.name.startswith("spark-worker"))
    assert not first.answers(), "no master"
    alive = [{"port": first.port, "state": "ALIVE"}, {"port": second.port, "state": "DEAD"}]
    with told({"workers": alive}, settings.spark_port + 1):
        assert (first.answers(), second.answers()) == (True, False)


@contextmanager
def told(answer, port):
    """A server that answers everything so."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", port), Answer) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield
        running.shutdown()


def test_a_taken_port_is_named_with_the_setting_that_moves_it_and_nothing_is_started(settings):
    with socket.socket() as taken:
        taken.bind((processes.HOST, settings.redis_port))
        taken.listen()
        with pytest.raises(Permanent, match=rf"redis.*port {settings.redis_port} to be free.*MARKETLAKE_REDIS_PORT"):
            local.up(settings, lambda line: None)
    assert not local.is_up(settings) and not local.stack_file(settings).exists()


def test_before_it_is_started_everything_is_stopped(settings):
    assert {state.state for state in local.status(settings)} == {"stopped"}


def test_what_dies_is_started_again(keeper: Supervisor):
    keeper.keep([sleeper("one")])
    keeper.start("one")
    first = running_pid(keeper, "one")
    os.kill(first, 9)
    assert running_pid(keeper, "one", other_than=first) != first


def test_a_changed_file_restarts_its_service_and_no_other(keeper: Supervisor, tmp_path):
    file = tmp_path / "one.conf"
    keeper.keep([sleeper("one", files={file: "a"}), sleeper("two")])
    keeper.start("one"), keeper.start("two")
    first, second = running_pid(keeper, "one"), running_pid(keeper, "two")
    keeper.keep([sleeper("one", files={file: "b"}), sleeper("two"), sleeper("three")])
    keeper.start("one")
    assert running_pid(keeper, "one", other_than=first) != first and running_pid(keeper, "two") == second
    assert file.read_text() == "b" and file.stat().st_mode & 0o777 == 0o600 and "three" in keeper.states()


def test_changed_settings_restart_those_services_that_read_them_and_no_other(settings, keeper: Supervisor):
    def programs() -> dict[str, str]:
        parts = keeper._configuration(local.platform(Place(settings))).split("[program:")
        return {part.split("]")[0]: part for part in parts[1:]}

    environment.write_stack_file(local.stack_file(settings), {"S3_PORT": "1"}, "a test")
    before = programs()
    assert programs() == before
    environment.write_stack_file(local.stack_file(settings), {"S3_PORT": "2"}, "a test")
    after = programs()
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"api", "dagster-code", "dagster", "dagster-daemon"}


def test_down_ends_children_of_children_and_what_a_killed_supervisor_left(keeper: Supervisor):
    keeper.keep([Service("one", ("sh", "-c", "sleep 600 & sleep 600"), 0, "", "", "", "has a child")])
    keeper.start("one")
    running_pid(keeper, "one")
    family = keeper.marked()
    assert len(family) >= 3
    daemon = keeper.running()
    assert daemon is not None
    os.kill(daemon.pid, 9)
    keeper.end()
    assert (
        not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] and not keeper.marked()
    )


def test_down_leaves_processes_alone_that_it_did_not_start(keeper: Supervisor, tmp_path):
    other = processes.start(
        ("sleep", "600"), log=tmp_path / "log", environment={MARK: "/elsewhere"}, cwd=tmp_path, port=0
    )
    try:
        keeper.keep([sleeper("one")])
        keeper.start("one")
        keeper.end()
        assert other.alive() is not None
    finally:
        processes.stop(other)


def test_a_value_with_signs_of_the_configuration_reaches_the_process(keeper: Supervisor, tmp_path):
    told = tmp_path / "told"
    odd = 'a%b"c\\d,e=f'
    keeper.keep(
        [
            Service(
                "one",
                ("sh", "-c", f'printf %s "$ODD" > "{told}"; sleep 600'),
                0,
                "",
                "",
                "",
                "",
                environment={"ODD": odd},
            )
        ]
    )
    keeper.start("one")
    running_pid(keeper, "one")
    assert told.read_text() == odd


def test_a_private_file_that_is_there_is_not_replaced_by_a_new_one(tmp_path):
    write_private(tmp_path / "one", "first", is_new=True)
    write_private(tmp_path / "one", "second", is_new=True)
    assert (tmp_path / "one").read_text() == "first" and [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.slow
def test_the_whole_stack_comes_up_heals_and_goes(settings):
    lines: list[str] = []
    began = monotonic()
    try:
        states = {state.service: state for state in local.up(settings, lines.append)}
        assert monotonic() - began < 120
        assert {state.state for state in states.values()} == {"running"}
        assert sum(state.memory_mb or 0 for state in states.values()) < 9000
        for name in ("s3", "redis", "postgres", "spark-worker-1", "api", "mlflow"):
            os.kill(states[name].pid, 9)
        give_up = monotonic() + 90
        while {state.state for state in local.status(settings)} != {"running"} and monotonic() < give_up:
            sleep(1)
        assert {state.state for state in local.status(settings)} == {"running"}
        listening = {one.laddr.ip for one in psutil.net_connections("inet") if one.status == psutil.CONN_LISTEN
                     and one.pid in {process.pid for process in local.supervisor(settings).marked()}}  # fmt: skip
        assert "127.0.0.1" in listening <= {"127.0.0.1", "::ffff:127.0.0.1"}
        assert all(state.version and state.log for state in states.values())
    finally:
        local.down(settings, lines.append)
    assert not local.supervisor(settings).marked()
