"""What is killed leaves nothing in the way: not for `down`, not for the next `up`, not for what supervisord starts again."""

import os
import signal
import socket
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from lake.settings import Settings
from market.errors import Transient
from marketlake import environment, processes, upkeep, worlds
from marketlake.service import Service
from marketlake.stack import local
from marketlake.stack.place import MARK, Place
from marketlake.stack.servers import postgres, redis
from marketlake.stack.supervisor import Supervisor, write_files
from tests.marketlake.conftest import run, running_pid, sleeper

PARENT = (  # one line, and no space before a semicolon, which would begin a comment of supervisord's configuration
    "import os, socket, sys, time;"
    "listening = socket.create_server(('127.0.0.1', int(sys.argv[1])));"
    "os.fork();"
    "time.sleep(600)"
)


def listener(name: str, port: int) -> Service:
    """A server whose child has its listening socket too, as uvicorn's workers have."""
    return Service(name, (sys.executable, "-c", PARENT, str(port)), port, "", "", "", "listens")


def kill_supervisor(keeper: Supervisor) -> None:
    daemon = keeper.running()
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGKILL)
    until(lambda: keeper.running() is None)


def until(is_so, timeout_s: float = 30) -> None:
    end = monotonic() + timeout_s
    while not is_so():
        assert monotonic() < end
        sleep(0.05)


def test_down_ends_what_a_killed_supervisor_left(keeper: Supervisor):
    keeper.keep([sleeper("one")])
    keeper.start("one")
    left = running_pid(keeper, "one")
    kill_supervisor(keeper)
    assert psutil.pid_exists(left)
    assert "nothing was running" not in run("down")
    assert not keeper.marked() and "nothing was running" in run("down")


def test_up_ends_what_a_killed_supervisor_left_before_it_looks_at_ports(settings: Settings, keeper: Supervisor):
    keeper.keep([listener("s3", settings.s3_port)])
    keeper.start("s3")
    until(lambda: not processes.is_free(settings.s3_port))
    kill_supervisor(keeper)
    with socket.socket() as foreign:  # so that nothing is started here
        foreign.bind((processes.HOST, settings.redis_port))
        foreign.listen()
        told = " ".join(run("up", "--stack", "local", code=1).split())
    assert "service redis" in told and "s3" not in told
    assert processes.is_free(settings.s3_port) and not keeper.marked()


def test_a_killed_server_is_started_again_although_its_child_has_the_port(keeper: Supervisor, settings: Settings):
    port = settings.api_port
    keeper.keep([listener("api", port)])
    keeper.start("api")
    first = running_pid(keeper, "api")
    until(lambda: psutil.Process(first).children())
    [child] = psutil.Process(first).children()
    os.kill(first, signal.SIGKILL)
    assert running_pid(keeper, "api", other_than=first) != first
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    until(lambda: not processes.is_free(port))


def test_a_port_of_somebody_else_is_not_made_free(keeper: Supervisor, settings: Settings, tmp_path):
    foreign = processes.start((sys.executable, "-c", PARENT, str(settings.api_port)), log=tmp_path / "log",
                              environment={MARK: "/elsewhere"}, cwd=tmp_path, port=0)  # fmt: skip
    try:
        until(lambda: not processes.is_free(settings.api_port))
        keeper.keep([listener("api", settings.api_port)])
        keeper.start("api")
        until(lambda: "Address already in use" in processes.last_lines(keeper.log("api")))
        assert foreign.alive() is not None
    finally:
        processes.stop(foreign)


def test_redis_carries_the_mark(settings: Settings, tmp_path):
    place = Place(settings)
    [service] = redis.services(place)
    write_files(service)
    running = processes.start(service.command, log=tmp_path / "log", environment={MARK: str(place.folder)}, cwd=tmp_path,
                              port=service.port, dies_with_us=True)  # fmt: skip
    try:
        processes.wait_ready(running, service.answers, name="redis", timeout_s=20)
        assert [one.pid for one in processes.carrying(MARK, str(place.folder))] == [running.pid]
    finally:
        processes.stop(running)


def test_the_users_own_session_at_amazon_reaches_no_server(keeper: Supervisor, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the user's")
    told = tmp_path / "told"
    keeper.keep([Service("one", ("sh", "-c", f'env > "{told}.partial"; mv "{told}.partial" "{told}"; sleep 600'),
                         0, "", "", "", "", environment={"AWS_REGION": "ours"})])  # fmt: skip
    keeper.start("one")
    until(told.exists)
    assert [line for line in told.read_text().splitlines() if line.startswith("AWS_")] == ["AWS_REGION=ours"]


def test_another_folder_for_temporary_files_finds_the_same_supervisor(settings, keeper, tmp_path, monkeypatch):
    keeper.keep([sleeper("one")])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert set(local.supervisor(settings).states()) == {"one"}


def test_a_supervisor_that_does_not_answer_is_told_as_such_and_ended_by_down(settings, keeper):
    keeper.keep([sleeper("one")])
    daemon = keeper.running()
    assert daemon is not None
    next(one for one in Path("/tmp").glob(f"marketlake-{os.getuid()}-*.sock") if one == keeper._socket).unlink()
    with pytest.raises(Transient, match=r"supervisord.*an answer at.*marketlake down"):
        local.status(settings)
    assert local.down(settings, len) and daemon.alive() is None


@contextmanager
def known(keeper: Supervisor, *services: Service):
    """These run."""
    keeper.keep(services)
    for service in services:
        keeper.start(service.name)
    yield {service.name: running_pid(keeper, service.name) for service in services}


def test_services_are_started_again_although_one_of_them_cannot_be(settings, keeper, tmp_path):
    program = tmp_path / "program"
    program.symlink_to("/bin/sleep")
    code = Service("dagster-code", (str(program), "600"), 0, "", "", "", "its program is removed")
    with known(keeper, sleeper("mlflow"), code, sleeper("dagster")) as before:
        held = upkeep.without_clients(settings, "postgres", len)
        held.__enter__()
        assert not any(info["pid"] for info in keeper.states().values())
        program.unlink()
        with pytest.raises(Transient, match="dagster-code"):
            held.__exit__(None, None, None)
        for name in ("mlflow", "dagster"):
            assert running_pid(keeper, name, other_than=before[name])


def test_ports_of_the_running_stack_stay_where_they_were_moved(settings, keeper, monkeypatch):
    moved = settings.trino_port
    monkeypatch.delenv("MARKETLAKE_TRINO_PORT")
    later = environment.open_settings()
    environment.write_stack_file(local.stack_file(settings), {"TRINO_PORT": f"{moved}", "API_PORT": "1"}, "a test")
    assert local.as_running(later).trino_port == later.trino_port != moved
    keeper.keep([])
    assert local.as_running(later).trino_port == moved
    assert local.as_running(later).api_port == settings.api_port  # by hand
    assert {state.service: state.port for state in local.status(later)}["trino"] == moved


def test_an_up_of_a_stack_that_runs_writes_the_settings_as_they_are_though_the_other_stack_has_another_world(
    settings, monkeypatch
):
    monkeypatch.setenv("MARKETLAKE_FIRST_SESSION", "2024-04-01")
    place = Place(environment.open_settings())
    told = {"sessions": {"XKRX": ["2022-06-20", "2024-06-28"]}}
    local._write(place, local._values(place) | worlds.stack_values(place.settings, "http://127.0.0.1:1", told))
    before = place.settings_file.read_text()
    local._write(place, local._values(place) | local._told_before(place))
    assert "FIRST_SESSION=2022-06-20" in before and place.settings_file.read_text() == before


@pytest.mark.parametrize("note", ["", "2147483647\n/data\n"])
def test_the_note_of_a_killed_postgres_is_removed_though_it_is_empty(note, tmp_path):
    (tmp_path / "postmaster.pid").write_text(note)
    postgres._forget_killed(tmp_path / "postmaster.pid")
    assert not (tmp_path / "postmaster.pid").exists()
