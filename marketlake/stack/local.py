"""The one-machine production stack: brought up in order, looked at, ended.

What does not belong here: how one server is started (`marketlake.stack.servers`), what keeps it running (`supervisor`).
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from market.errors import Permanent, Transient
from marketlake import environment, processes, worlds
from marketlake import services as embedded
from marketlake.service import Service, State
from marketlake.stack import servers
from marketlake.stack.place import HOST, STACK, Place
from marketlake.stack.supervisor import Supervisor
from marketlake.worlds import Outside

if TYPE_CHECKING:
    from lake.settings import Settings

Say = Callable[[str], None]
READY_S = 180.0


def up(settings: "Settings", say: Say, outside: Outside | None = None) -> list[State]:
    """Start what does not run yet, each after what it waits for; returns when all of it answers.

    What a supervisord that was killed left behind is ended first.

    Parameters
    ----------
    outside : the world of the exchange; None: the one that the lake was filled from, or the default.

    Raises
    ------
    Permanent
        A port is taken by something else; nothing was started.
    Transient
        A service did not come up; what did stays up, `down` ends it.
    """
    keeper, place = supervisor(settings), Place(as_running(settings))
    found = platform(place)
    if keeper.running() is None:
        keeper.end()
    for service in (*found, embedded.exchange(place.settings, Outside())):
        _refuse_taken(keeper, service)
    _write(place, _values(place) | _told_before(place))
    kept = [*found, _exchange(place)] if keeper.running() else found
    keeper.keep(kept)
    began = monotonic()
    _bring_up(keeper, [service for service in found if service.name == "s3"], say, began)
    keeper.keep([*found, _exchange(place, outside)])
    _bring_up(keeper, [_exchange(place, outside)], say, began)
    _know_exchange(place)
    keeper.keep([*found, _exchange(place, outside)])
    _bring_up(keeper, found, say, began)
    return status(settings)


def down(settings: "Settings", say: Say) -> int:
    """End what `up` started, and only that; how many processes were ended. Data stays."""
    keeper = supervisor(settings)
    try:
        named = [name for name, info in keeper.states().items() if info["pid"]]
    except Transient:  # it does not answer: what it keeps is ended all the same
        named = []
    ended = keeper.end()
    for name in named:
        say(f"ended {name}")
    if ended and not named:
        say(f"ended {ended} processes that a killed supervisord had left")
    return ended


def status(settings: "Settings") -> list[State]:
    """How every service is."""
    keeper, place = supervisor(settings), Place(as_running(settings))
    told = keeper.states()
    # No world is asked for: which one the exchange has stands in the lake, whose server may be what is away.
    services = [embedded.exchange(place.settings, Outside()), *platform(place)]
    return [_state(keeper, service, told.get(service.name)) for service in services]


def is_up(settings: "Settings") -> bool:
    """True where the stack's supervisor runs, or left processes behind when it was killed."""
    keeper = supervisor(settings)
    return keeper.running() is not None or bool(keeper.marked())


def as_running(settings: "Settings") -> "Settings":
    """The settings with the ports that the running stack has, where none was set by hand: one moved once stays where it is."""
    if supervisor(settings).running() is None:
        return settings
    held = {name.lower(): value for name, value in environment.held(stack_file(settings)).items()}
    moved = {name: int(value) for name, value in held.items() if name.endswith("_port") and value.isdecimal()}
    return settings.model_copy(update={name: moved[name] for name in moved.keys() - settings.model_fields_set})


def platform(place: Place) -> list[Service]:
    """Every service but the exchange, those that others wait for first."""
    found = [service for module in _servers() for service in (module.services(place))]
    ordered: list[Service] = []
    known = {service.name for service in found}
    while len(ordered) < len(found):
        names = {service.name for service in ordered}
        ready = [s for s in found if s.name not in names and set(s.waits_for) & known <= names]
        if not ready:
            left = [service.name for service in found if service.name not in names]
            raise Permanent(
                "stack", expected="services that wait for each other in one direction", found="a circle", keys=left
            )
        ordered += ready
    return ordered


def supervisor(settings: "Settings") -> Supervisor:
    """The keeper of the stack under these settings."""
    logs = settings.path(settings.state_dir) / "log" / STACK
    return Supervisor(Place(settings), logs, embedded.pid_file(settings, "supervisord"))


def stack_file(settings: "Settings") -> Path:
    """The file of settings that commands on this stack read."""
    return Place(settings).settings_file


_ABOUT = "the local stack; keep it to yourself, it holds passwords. Written by `marketlake up --stack local`"


def _servers() -> list["servers.Server"]:
    names = sorted(entry.name for entry in pkgutil.iter_modules(servers.__path__))
    return [importlib.import_module(f"{servers.__name__}.{name}") for name in names]


def _values(place: Place) -> dict[str, str]:
    """What was set by hand, and then what follows from the servers."""
    settings = place.settings
    values = {
        name.upper(): environment.plain(settings, name) for name in settings.model_fields_set if name != "env_file"
    }
    for module in _servers():
        values |= getattr(module, "values", lambda _: {})(place)
    return values


def _exchange(place: Place, outside: Outside | None = None) -> Service:
    """The exchange of the world that was asked for, of the one that the lake holds, or of the default."""
    return embedded.exchange(place.settings, outside or _held(place) or Outside())


def _held(place: Place) -> Outside | None:
    from lake.objects import lake_store

    if not processes.is_free(place.settings.s3_port):
        return worlds.of_lake(lake_store(local_settings(place)))
    return None


def local_settings(place: Place) -> "Settings":
    """The settings of whoever works on this stack."""
    return environment.open_settings(**{name.lower(): value for name, value in _values(place).items()})


def _know_exchange(place: Place) -> None:
    url = f"http://{HOST}:{place.settings.exchange_port}"
    _write(place, _values(place) | worlds.stack_values(place.settings, url, embedded.told_by(url)))


def _told_before(place: Place) -> dict[str, str]:
    """What the exchange told at an earlier start. It stays until it is asked anew: else each `up` would restart whoever reads the file."""
    held = environment.held(place.settings_file)
    return {name: held[name] for name in worlds.stack_names() & held.keys()}


def _write(place: Place, values: Mapping[str, str]) -> None:
    """In one order, since a file that changed restarts whoever reads it."""
    environment.write_stack_file(place.settings_file, dict(sorted(values.items())), _ABOUT)


def _bring_up(keeper: Supervisor, wanted: list[Service], say: Say, began: float) -> None:
    """Start each when what it waits for is ready; until all are."""
    ready: set[str] = set()
    asked: set[str] = set()
    names = {service.name for service in wanted}
    while len(ready) < len(wanted):
        for service in wanted:
            if service.name not in asked and set(service.waits_for) & names <= ready:
                _ask(keeper, service)
                asked.add(service.name)
        states = _kept(keeper)
        for service in wanted:
            if service.name in asked - ready and states[service.name]["statename"] == "RUNNING" and service.answers():
                ready.add(service.name)
                say(f"{service.name:<15} ready  {service.url or service.meaning}  ({monotonic() - began:.0f} s)")
        late = [service for service in wanted if service.name not in ready]
        if late and monotonic() - began > READY_S:
            raise _not_ready(keeper, late, states)
        sleep(0.2)


def _ask(keeper: Supervisor, service: Service) -> None:
    if _kept(keeper)[service.name]["statename"] in ("RUNNING", "STARTING"):
        return
    if service.prepare:
        service.prepare()
    keeper.start(service.name)


def _kept(keeper: Supervisor) -> Mapping[str, dict[str, Any]]:
    states = keeper.states()
    if not states:
        raise Transient("supervisord", expected="to run while services start", found="it has ended",
                        do=f"Its log: {keeper.log('supervisord')}. Run `marketlake up --stack local` again")  # fmt: skip
    return states


def _not_ready(keeper: Supervisor, late: list[Service], states: Mapping[str, dict[str, Any]]) -> Transient:
    first = late[0]
    log = keeper.log(first.name)
    tail = processes.last_lines(log)
    found = ", ".join(f"{service.name} {states[service.name]['statename']}" for service in late)
    return Transient(
        f"service {first.name}", expected=f"to answer within {READY_S:.0f} s", found=f"{found}; its log ends with:\n{tail}\n",
        do=f"The whole log: {log}. What runs stays up: run `marketlake up --stack local` again, or `down`",
    )  # fmt: skip


def _refuse_taken(keeper: Supervisor, service: Service) -> None:
    info = keeper.states().get(service.name)
    if info and info["pid"]:
        return
    for port in filter(None, (service.port, *service.more_ports)):
        if not processes.is_free(port):
            raise Permanent(
                f"service {service.name}", expected=f"port {port} to be free", found="taken by another process",
                do=f"Stop it, or move the port by {service.moved_by}",
            )  # fmt: skip


def _state(keeper: Supervisor, service: Service, info: dict[str, Any] | None) -> State:
    pid = int(str(info["pid"])) if info and info["pid"] else None
    if pid is not None:
        word = "running" if service.answers() else "starting"
    elif info is not None and info["statename"] in ("BACKOFF", "FATAL", "EXITED"):
        word = "ended"
    else:
        word = "stopped" if not service.port or processes.is_free(service.port) else "taken"
    memory = processes.memory_of(pid) // 1_000_000 if pid else None
    return State(
        service.name, word, service.port or None, pid, memory, service.version, ", ".join(service.waits_for), service.url,
        embedded.shown_path(keeper.log(service.name)),
    )  # fmt: skip
