"""`rulebook`: the lines of the Korean rulebook that held on a day."""

from collections.abc import Collection
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from market.errors import Permanent
from marketlake import console
from marketlake.commands.day import parse
from marketlake.commands.guard import Json, example


def register(app: typer.Typer) -> None:
    """Add the command."""
    example(
        app,
        "rulebook",
        "rulebook",
        "rulebook 2024-05-03 --market KOSPI",
        "rulebook 2019-05-29 --rule securities_tax --json",
    )(rulebook)


def rulebook(
    day: Annotated[str | None, typer.Argument(metavar="DATE", help="The day; by default today in Seoul.")] = None,
    market: Annotated[
        str | None, typer.Option(help="Only lines of this market: KOSPI, KOSDAQ, KONEX, NXT or ETF.")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Only lines of this rule.")] = None,
    as_json: Json = False,
) -> None:
    """The Korean rules in force that day: ticks, limits, taxes, fees, lots, hours, settlement.

    Each line has its source, and says so where it was not verified. docs/rulebook.md has the lines of every day.
    """
    from market.rulebook import LINES, MARKETS, RULES, in_force, version
    from market.rules.line import numbers, told

    _known("market", market, MARKETS)
    _known("rule", rule, RULES)
    on = parse(day) if day else _today()
    if on < (first := min(line.valid_from for line in LINES)):
        raise Permanent("rulebook", expected=f"a day from {first}, when the lines begin", found=str(on))
    found = [line for line in in_force(on, market) if rule in (None, line.rule)]
    rows: list[dict[str, object]] = [
        {"rule": line.rule, "market": line.market, "is": told(line.value, RULES[line.rule].unit), "from": line.valid_from,
         "verified": line.verified, "source": line.source}
        for line in found
    ]  # fmt: skip
    if as_json:
        exact = [
            {**row, "unit": RULES[line.rule].unit, **numbers(line.value)} for row, line in zip(rows, found, strict=True)
        ]
        console.show_json({"day": on, "version": version(), "lines": exact})
        return
    shown = [{**row, "verified": "yes" if row["verified"] else "UNVERIFIED"} for row in rows]
    console.say(f"{version()} on {on}")
    console.show(shown, as_json=False, nothing="no line holds")


def _known(what: str, name: str | None, known: Collection[str]) -> None:
    if name is not None and name not in known:
        raise Permanent("rulebook", expected=f"a {what} of {', '.join(known)}", found=repr(name))


def _today() -> date:
    from lake.clock import system_clock

    return system_clock().astimezone(ZoneInfo("Asia/Seoul")).date()
