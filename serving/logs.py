"""Log lines as JSON, one per event, with its fields beside the message. Called once, at the start of a process."""

import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

import orjson
from loguru import logger

if TYPE_CHECKING:
    from loguru import Message


REQUEST = "request"
_stream: TextIO | None = None
_lines: list[str] = []


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send loguru's messages, and nothing else, to the stream (stderr by default) as JSON lines."""
    global _stream
    target = stream or sys.stderr
    _stream = target if logger.level(level).no <= logger.level("INFO").no else None

    def write(message: "Message") -> None:
        target.write(line_of(message) + "\n")
        target.flush()

    logger.remove()
    logger.add(write, level=level, format="{message}", backtrace=False, diagnose=False)


def request(fields: dict[str, Any]) -> None:
    """One line for a request, called on the event loop; past loguru, where `configure` said where to, since loguru takes longer than a cached answer."""
    if _stream is None:
        logger.bind(**fields).info(REQUEST)
        return
    at = datetime.now().astimezone().isoformat()
    _lines.append(orjson.dumps({"at": at, "level": "INFO", "event": REQUEST, **fields}).decode() + "\n")
    # The lines of one turn of the event loop are one write: under load the write costs most of a line.
    if len(_lines) == 1:
        asyncio.get_running_loop().call_soon(_write_lines)


def _write_lines() -> None:
    text = "".join(_lines)
    _lines.clear()
    if _stream is not None:
        _stream.write(text)
        _stream.flush()


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
