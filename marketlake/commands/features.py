"""`features list|show|compute`: the catalogue of features, and trying an expression on the release."""

from typing import TYPE_CHECKING, Annotated

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.guard import Json, example, group

if TYPE_CHECKING:
    from market.features.definition import Feature


def register(app: typer.Typer) -> None:
    """Add the group."""
    made = group(app, "features", "The features: formulas with their lookback, unit and source.")
    example(made, "list", "features list", "features list --library indicators")(list_)
    example(made, "show", "features show rsi_14")(show)
    example(made, "compute", 'features compute "corr(close, log(volume + 1), 20)" --symbol 005930 --from 2024-04-01 --to 2024-05-03',
            "features compute rsi_14 --symbol 005930 --symbol AAPL --json")(compute)  # fmt: skip


def list_(
    library: Annotated[
        str,
        typer.Option("--library", metavar="NAME", help="features_daily, indicators, candles, alpha158 or alpha360."),
    ] = "features_daily",
    as_json: Json = False,
) -> None:
    """Every feature of a library; those of features_daily are columns of gold.features_daily, others are computed when asked for."""
    from market.features.catalogue import libraries

    if library not in libraries():
        raise Permanent("--library", expected=f"one of {', '.join(libraries())}", found=repr(library))
    rows = [_facts(feature) for feature in libraries()[library].values()]
    console.show(rows, as_json=as_json, columns=["feature", "unit", "lookback", "meaning"])


def show(name: Annotated[str, typer.Argument(metavar="NAME", help="A feature.")], as_json: Json = False) -> None:
    """One feature: formula, meaning, unit, inputs, lookback, bounds, source."""
    from market.features.catalogue import catalogue, find

    found = find(name)
    if found is None:
        do = "`marketlake features list --library NAME` shows the other libraries"
        raise Permanent("features", expected=f"one of {', '.join(catalogue())}", found=repr(name), do=do)
    if as_json:
        console.show_json(_facts(found))
    else:
        console.facts(_facts(found))


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
    from market.features.catalogue import find
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
        said = (
            expression if find(expression) else meta["expression"]
        )  # a named formula may be a page long: `features show`
        console.say(f"{said}  [{meta['unit']}], release {meta['release_id']}")
        console.show(records, as_json=False, columns=columns, nothing="no rows")


def _facts(f: "Feature") -> dict[str, object]:
    return {
        "feature": f.name, "formula": f.formula, "meaning": f.doc, "unit": f.unit, "inputs": ", ".join(f.inputs),
        "lookback": f.lookback, "recursive": f.is_recursive, "low": f.low, "high": f.high, "source": f.source,
    }  # fmt: skip
