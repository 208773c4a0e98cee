"""What commands print: tables, JSON, the steps of long work, errors. Colours and boxes only on a terminal.

What does not belong here: what is printed.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

if TYPE_CHECKING:
    from rich.status import Status

    from jobs.run import Step

WIDEST = 72
Row = Mapping[str, Any]


def is_terminal() -> bool:
    """True where a person watches."""
    return sys.stdout.isatty()


def say(text: str = "") -> None:
    """One line to stdout, at once."""
    print(text, flush=True)


def warn(text: str) -> None:
    """One line to stderr, at once."""
    print(text, file=sys.stderr, flush=True)


def show_json(value: Any) -> None:
    """The value as JSON; instants and dates in ISO form, and null for what is no number: JSON has no NaN."""
    say(json.dumps(_known(value), indent=2, ensure_ascii=False, default=_plain, allow_nan=False))


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(rows: Sequence[Row], *, as_json: bool, columns: Sequence[str] = (), nothing: str = "nothing") -> None:
    """Rows as JSON or as a table; `nothing` where there is none.

    Parameters
    ----------
    columns : those of the table, in order; JSON always has all.
    """
    if as_json:
        show_json([dict(row) for row in rows])
    elif not rows:
        say(nothing)
    else:
        table(rows, columns or list(rows[0]))


def table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """A table: with lines on a terminal, with aligned columns elsewhere."""
    numeric = {name: all(_is_number(row.get(name)) for row in rows) for name in columns}
    cells = [[cell(row.get(name)) for name in columns] for row in rows]
    if is_terminal():
        _boxed(columns, cells, numeric)
    else:
        _aligned(columns, cells, numeric)


def facts(pairs: Row) -> None:
    """Names and values, one a line, aligned."""
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        say(f"{name:<{width}}  {cell(value)}")


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value)) or "-"
    return str(value)


def print_error(error: BaseException) -> None:
    """The error on stderr, in the form of market.errors."""
    warn(f"error: {error}")


class Steps:
    """Tells the steps of a run as they end; on a terminal also what is at work now.

    Parameters
    ----------
    say : where finished steps go.
    """

    def __init__(self, say: Callable[[str], None] = say) -> None:
        self._say = say
        self._status: Status | None = None
        self._began = monotonic()

    @contextmanager
    def watched(self) -> Iterator["Steps"]:
        """While it lasts, the present step is shown on a terminal."""
        if not is_terminal():
            yield self
            return
        from rich.console import Console

        with Console().status("starting") as status:
            self._status = status
            try:
                yield self
            finally:
                self._status = None

    def __call__(self, step: "Step") -> None:
        """A step as `jobs.run` tells it."""
        if step.seconds is not None:
            self._say(f"  {step.name:<38} {step.seconds:7.1f} s  {step.note}".rstrip())
        elif self._status is not None:
            self._status.update(f"{step.name} {step.note}  [{monotonic() - self._began:.0f} s]".replace("[", r"\["))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if hasattr(value, "item"):
        return _known(value.item())
    return str(value)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _boxed(columns: Sequence[str], cells: Sequence[Sequence[str]], numeric: Mapping[str, bool]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if numeric[name] else "left", overflow="fold")
    for row in cells:
        made.add_row(*(Text(text) for text in row))
    Console().print(made)


def _aligned(columns: Sequence[str], cells: Sequence[Sequence[str]], numeric: Mapping[str, bool]) -> None:
    lines = [list(columns), *cells]
    widths = [min(max(cell_len(line[i]) for line in lines), WIDEST) for i in range(len(columns))]
    for line in lines:
        parts = []
        for text, width, name in zip(line, widths, columns, strict=True):
            pad = " " * (width - cell_len(text))  # a Korean letter is two cells wide
            parts.append(pad + text if numeric[name] else text + pad)
        say("  ".join(parts).rstrip())
