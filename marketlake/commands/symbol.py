"""`symbol`: which security an identifier means, as of a day."""

from typing import Annotated

import typer

from marketlake import console, environment
from marketlake.commands.guard import Json, example


def register(app: typer.Typer) -> None:
    """Add the command."""
    example(
        app, "symbol", "symbol 005930", "symbol 삼성전자 --as-of 2024-05-03", "symbol 00126380 --json", "symbol CIK320193"
    )(symbol)  # fmt: skip


def symbol(
    text: Annotated[
        str,
        typer.Argument(metavar="IDENTIFIER", help="A code, id, Yahoo symbol, ISIN, DART corp code, CIK or name."),
    ],
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="DATE", help="A day (its end), or an instant with a zone; the release's by default."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """The security that an identifier means: its codes, names, board and numbers as known that day.

    A number of a company shows all its securities. What nobody had that day, or several had, is an error that says so.
    """
    from market.lookup import IDENTIFIERS
    from marketlake.facade import open_lake

    found = open_lake(settings=environment.opened()).symbol(text, as_of)
    rows = found.astype(object).where(found.notna(), None).to_dict("records")
    if as_json:
        console.show_json({"meta": found.attrs["meta"], "rows": rows})
        return
    for n, row in enumerate(rows):
        console.say("" if n else f"as of {found.attrs['meta']['as_of']}, release {found.attrs['meta']['release_id']}")
        shown = (*IDENTIFIERS, "market", "common_id", "valid_from", "matched")
        console.facts({name: row[name] for name in shown if row[name] is not None})
