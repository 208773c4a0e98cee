"""`features list|show|compute`: the catalogue of features, and trying an expression on the release."""

from typing import Annotated

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.guard import Json, example, group


def register(app: typer.Typer) -> None:
    """Add the group."""
    made = group(app, "features", "The features: formulas with their lookback, unit and source.")
    example(made, "list", "features list")(list_)
    example(made, "show", "features show rsi_14")(show)
    example(made, "compute", 'features compute "corr(close, log(volume + 1), 20)" --symbol 005930 --from 2024-04-01 --to 2024-05-03',
            "features compute rsi_14 --symbol 005930 --symbol AAPL --json")(compute)  # fmt: skip


def list_(as_json: Json = False) -> None:
    """Every feature of the catalogue."""
    console.show(_catalogue(), as_json=as_json, columns=["feature", "unit", "lookback", "meaning"])


def show(name: Annotated[str, typer.Argument(metavar="NAME", help="A feature.")], as_json: Json = False) -> None:
    """One feature: formula, meaning, unit, inputs, lookback, bounds, source."""
    found = {str(row["feature"]): row for row in _catalogue()}
    if name not in found:
        raise Permanent("features", expected=f"one of {', '.join(found)}", found=repr(name))
    if as_json:
        console.show_json(found[name])
    else:
        console.facts(found[name])


def compute(
    expression: Annotated[str, typer.Argument(metavar="EXPR", help="An expression, or a feature's name.")],
    symbol: Annotated[list[str], typer.Option("--symbol", help="A code or security id; may be repeated.")],
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First session; the release's by default.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last session; the release's by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """An expression on forward-adjusted prices of the release; a catalogue name gives the bits of gold.features_daily."""
    from marketlake.facade import open_lake

    lake = open_lake(settings=environment.opened())
    start, end = first or lake.release.first_session, last or lake.release.last_session
    made = lake.compute(expression, symbol, start, end)
    made["session_date"] = made["session_date"].dt.strftime("%Y-%m-%d")
    rows = made[["session_date", "symbol", "security_id", "value"]].astype(object)
    records = rows.where(rows.notna(), None).to_dict("records")
    columns = ["session_date", "symbol", "value"]
    if as_json:
        console.show_json({"meta": made.attrs["meta"], "rows": records})
    else:
        meta = made.attrs["meta"]
        console.say(f"{meta['expression']}  [{meta['unit']}], release {meta['release_id']}")
        console.show(records, as_json=False, columns=columns, nothing="no rows")


def _catalogue() -> list[dict[str, object]]:
    from market.features.catalogue import catalogue

    return [
        {"feature": f.name, "formula": f.formula, "meaning": f.doc, "unit": f.unit, "inputs": ", ".join(f.inputs),
         "lookback": f.lookback, "recursive": f.is_recursive, "low": f.low, "high": f.high, "source": f.source}
        for f in catalogue().values()
    ]  # fmt: skip
