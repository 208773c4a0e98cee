"""Log lines as JSON, one per event, with its fields beside the message. Called once, at the start of a process."""

import sys
from typing import TYPE_CHECKING, TextIO

import orjson
from loguru import logger

if TYPE_CHECKING:
    from loguru import Message


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send loguru's messages, and nothing else, to the stream (stderr by default) as JSON lines."""
    target = stream or sys.stderr

    def write(message: "Message") -> None:
        target.write(line_of(message) + "\n")
        target.flush()

    logger.remove()
    logger.add(write, level=level, format="{message}", backtrace=False, diagnose=False)


def line_of(message: "Message") -> str:
    """The message as one line of JSON: at, level, event, its fields, and the error where there is one."""
    record = message.record
    fields = {
        "at": record["time"].isoformat(),
        "level": record["level"].name,
        "event": record["message"],
        **record["extra"],
    }
    error = record["exception"]
    if error is not None and error.type is not None:
        fields["error"] = f"{error.type.__name__}: {error.value}"
        fields["traceback"] = str(message).split("\n", 1)[-1]
    return orjson.dumps(fields, default=str).decode()
