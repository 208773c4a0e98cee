"""The edge of the process: third parties quietened, settings read, where each value came from, the file of a started stack.

What does not belong here: what the settings mean (`lake.settings`), printing (`marketlake.console`).
"""

import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market.errors import Permanent
from marketlake import logfiles

if TYPE_CHECKING:
    from pydantic import ValidationError

    from lake.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "MARKETLAKE_"

# Nothing phones home, and nothing but our own words reaches the terminal.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "FEAST_USAGE": "False",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    "PYTHONWARNINGS": "ignore",
}

_where_called = Path.cwd()


def prepare() -> None:
    """Make the process ours: telemetry off, third-party noise off, the project's root as working directory."""
    global _where_called
    _where_called = Path.cwd()
    os.chdir(ROOT)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.ERROR, handlers=[logging.NullHandler()])


def given_path(text: str | Path) -> Path:
    """A path that the caller typed, absolute: seen from where the command was called, not from the project's root."""
    return (_where_called / Path(text).expanduser()).resolve()


def open_settings(**given: Any) -> "Settings":
    """The settings of this process: given values, the environment, its files, and the stack file of its own state folder.

    `lake.settings.read_settings` knows the stack file of the default state folder; another state folder has its own.
    """
    from pydantic import ValidationError

    from lake.settings import STACK_FILE, Settings, read_settings

    try:
        settings = read_settings(**given)
        if stack_file(settings) == STACK_FILE.resolve():
            return settings
        files = tuple(path for path in (stack_file(settings), Path(".env"), _named()) if path is not None)
        return Settings(_env_file=files, **given)  # type: ignore[call-arg]  # pydantic's own argument
    except ValidationError as error:
        raise _bad_settings(error) from error


def opened(*, verbose: bool = False) -> "Settings":
    """The settings, with the log going where they say: how a command begins."""
    settings = open_settings()
    configure_log(settings, verbose=verbose)
    return settings


def _bad_settings(error: "ValidationError") -> Permanent:
    faults = [f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}={e['input']!r} ({e['msg']})" for e in error.errors()]
    return Permanent("settings", expected="values of their types", found="others", keys=faults,
                     do="See `marketlake settings --help` and the README")  # fmt: skip


def stack_file(settings: "Settings", stack: str = "embedded") -> Path:
    """The file of settings that `demo` and `up` write for a stack."""
    return settings.path(settings.state_dir) / "stack" / f"{stack}.env"


def use_stack(settings: "Settings", stack: str) -> "Settings":
    """The settings of that stack, for this process from now on."""
    os.environ[f"{PREFIX}ENV_FILE"] = str(stack_file(settings, stack))
    return open_settings()


def write_stack_file(target: Path, values: Mapping[str, str], about: str) -> Path:
    """Write the settings of the started stack, readable by its owner alone; whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"# {about}", *(f"{PREFIX}{name}={value}" for name, value in values.items())]
    partial = target.with_suffix(f".{os.getpid()}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(lines) + "\n")
    partial.replace(target)
    return target


def held(file: Path) -> dict[str, str]:
    """What a started stack's file holds, by name without the prefix; nothing where there is no file."""
    from dotenv import dotenv_values

    return {name.removeprefix(PREFIX): value or "" for name, value in dotenv_values(file).items()}


def as_environment(settings: "Settings") -> dict[str, str]:
    """The environment of a process that must see exactly these settings, whatever files it reads."""
    values = {PREFIX + name.upper(): plain(settings, name) for name in settings.model_fields_set}
    mine = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    home = str(settings.path(settings.dagster_home))
    stack = {"DAGSTER_HOME": home, f"{PREFIX}DAGSTER_HOME": home, f"{PREFIX}ENV_FILE": str(stack_file(settings))}
    return {**mine, **QUIET, **values, **stack, "PYTHONUNBUFFERED": "1"}


def plain(settings: "Settings", name: str) -> str:
    """A setting as text, secrets readable: for a child's environment, never for people."""
    value = getattr(settings, name)
    secret = getattr(value, "get_secret_value", None)
    return "" if value is None else str(secret() if secret else value)


@dataclass(frozen=True)
class Told:
    """One setting as people see it: its value (hidden where secret), where it came from, what it means."""

    name: str
    value: str
    source: str
    meaning: str


def told(settings: "Settings") -> list[Told]:
    """Every setting with its source, in the order of the class."""
    from dotenv import dotenv_values

    named = _named()
    files = [stack_file(settings), Path(".env"), *([named] if named else [])]
    places: list[tuple[str, Mapping[str, str | None]]] = [("environment", os.environ)]
    places += [(f"{path}", dotenv_values(path)) for path in reversed(files) if path.is_file()]
    found = []
    for name, field in type(settings).model_fields.items():
        variable = PREFIX + name.upper()
        holders = [place for place, values in places if values.get(variable)]
        shown = _shown(name, getattr(settings, name))
        found.append(Told(variable, shown, holders[0] if holders else "default", field.description or ""))
    return found


def _shown(name: str, value: Any) -> str:
    """A value as people may see it: a secret as stars (its own text), a password in an address and a webhook's path too."""
    text = "" if value is None else str(value)
    if name.endswith("webhook_url"):
        return re.sub(r"^(\w+://[^/]+/).+", r"\1***", text)
    return re.sub(r"(://[^/:@]*):[^/@]+@", r"\1:***@", text)


def log_file(settings: "Settings") -> Path:
    """Where this command's log lines go."""
    return settings.path(settings.state_dir) / "log" / "marketlake.log"


def configure_log(settings: "Settings", *, verbose: bool = False) -> None:
    """Log lines as JSON into the state folder; warnings also to stderr, one short line each."""
    from loguru import logger

    from serving.logs import line_of

    logger.remove()
    file = log_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    for log in file.parent.glob("*.log"):  # those of the embedded services too; supervisord turns over its own
        logfiles.turn_over(log)

    def write(message: Any) -> None:
        logfiles.turn_over(file)
        # Where there is no room for a log line, the commands that make room must run.
        with suppress(OSError), file.open("a") as log:
            log.write(line_of(message) + "\n")

    logger.add(write, level="INFO", format="{message}", backtrace=False, diagnose=False)
    logger.add(_to_stderr, level="DEBUG" if verbose else "WARNING", format="{level.name}: {message} {extra}",
               colorize=False, backtrace=False, diagnose=False, filter=_is_ours)  # fmt: skip


@contextmanager
def quiet_children(settings: "Settings") -> Iterator[None]:
    """While it lasts, what children and native code write to stderr (Spark's JVM above all) goes to a log of its own."""
    file = log_file(settings).with_name("spark.log")
    file.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    terminal, ours = os.dup(2), sys.stderr
    with file.open("ab") as log, os.fdopen(terminal, "w", buffering=1) as kept:
        os.dup2(log.fileno(), 2)
        sys.stderr = kept
        try:
            yield
        finally:
            kept.flush()
            os.dup2(terminal, 2)
            sys.stderr = ours


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)  # looked up now: `quiet_children` puts another one in its place


def _is_ours(record: Any) -> bool:
    return bool(record["extra"].get("only") != "file")


def _named() -> Path | None:
    named = os.environ.get(f"{PREFIX}ENV_FILE", "")
    return Path(named) if named else None
