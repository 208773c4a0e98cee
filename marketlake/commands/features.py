"""`features list|show|compute|parity`: the catalogue of features, trying an expression on the release, and whether all ways give equal bits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.guard import Json, example, group

if TYPE_CHECKING:
    from lake.parity import Certificate
    from market.features.definition import Feature
    from marketlake.behaving import FeatureDescription


def register(app: typer.Typer) -> None:
    """Add the group."""
    made = group(app, "features", "The features: formulas with their lookback, unit and source.")
    example(made, "list", "features list", "features list --library indicators")(list_)
    example(made, "show", "features show rsi_14", "features show adx_14 --picture adx_14.svg")(show)
    example(made, "compute", 'features compute "corr(close, log(volume + 1), 20)" --symbol 005930 --from 2024-04-01 --to 2024-05-03',
            "features compute rsi_14 --symbol 005930 --symbol AAPL --json")(compute)  # fmt: skip
    example(made, "parity", "features parity", "features parity --all")(parity)


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


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A feature.")],
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.svg", help="A file for the figures, drawn.")
    ] = None,
    as_json: Json = False,
) -> None:
    """One feature: what it is, and how it behaves in the release: coverage, distribution, autocorrelation, and rank IC by year.

    Rank IC is against the return over the next five sessions; rows whose return is not known yet are left out of it.
    Without a release what the feature is stands alone.
    """
    from market.features.catalogue import catalogue, find

    found = find(name)
    if found is None:
        do = "`marketlake features list --library NAME` shows the other libraries"
        raise Permanent("features", expected=f"one of {', '.join(catalogue())}", found=repr(name), do=do)
    target = _svg_file(picture)
    if not as_json:
        console.facts(_facts(found))
    told = _described(name)
    if isinstance(told, Permanent):
        if as_json:
            console.show_json(_facts(found) | {"meta": None, "behaviour": None, "missing": str(told)})
        else:
            console.say(f"\nhow it behaves is not known: {told}")
        if target is not None:
            raise told
        return
    if as_json:
        console.show_json(_facts(found) | told.to_dict())
    else:
        _tell(told)
    if target is not None:
        target.write_text(told.picture(), encoding="utf-8")


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


def parity(
    every: Annotated[bool, typer.Option("--all", help="Every security rather than a sample.")] = False,
    as_json: Json = False,
) -> None:
    """Features of the release's newest session made again from the first row of each series, and the online store against the release: equal bits, or an error."""
    from lake import parity as comparing
    from lake.delta import DeltaLake
    from lake.objects import lake_store
    from lake.releases import Releases

    settings = environment.opened()
    release = Releases(lake_store(settings)).current()
    if release is None:
        raise Permanent("features parity", expected="a published release", found="none", do="Run `marketlake demo`")
    made = comparing.of_release(settings, DeltaLake(settings), release, release.as_of, every=every)
    if not made:
        held = ", ".join(sorted(release.tables))
        raise Permanent(f"release {release.release_id}", expected="a table with features", found=f"only {held}")
    console.show([_compared(one) for one in made], as_json=as_json, columns=list(_compared(made[0])))
    different = [one for one in made if not one.passed]
    if different:
        raise Permanent(
            f"features of {release.release_id}", expected=comparing.EXPECTED, found=different[0].found,
            keys=[f"{one.table} ({one.kind})" for one in different],
            do="`marketlake release rollback` shows the release before; ops.parity has every comparison",
        )  # fmt: skip


def _compared(one: "Certificate") -> dict[str, str | int]:
    return {
        "table": one.table, "against": one.kind, "session": f"{one.session}", "securities": one.n_securities, "values": one.n_values,
        "different": one.n_different, "found": one.found,
    }  # fmt: skip


def _described(name: str) -> "FeatureDescription | Permanent":
    """How the feature behaves in the current release, or what is missing to say so."""
    from marketlake.facade import open_lake

    settings = environment.opened()
    try:
        lake = open_lake(settings=settings)
    except Permanent as missing:
        return missing
    return lake.feature(name)


def _tell(described: "FeatureDescription") -> None:
    from marketlake.behaving import by_year, figures

    console.say(f"\n{described.about}\n")
    console.facts(figures(described.behaviour))
    console.say()
    rows = by_year(described.behaviour)
    console.table(rows, list(rows[0]))


def _svg_file(picture: Path | None) -> Path | None:
    """The file as the caller meant it; refused before any work is done."""
    if picture is None:
        return None
    target = environment.given_path(picture)
    if target.suffix != ".svg" or not target.parent.is_dir():
        raise typer.BadParameter(f"--picture: expected a file FILE.svg in a folder that is there, was {target}")
    return target


def _facts(f: "Feature") -> dict[str, object]:
    return {
        "feature": f.name, "formula": f.formula, "meaning": f.doc, "unit": f.unit, "inputs": ", ".join(f.inputs),
        "lookback": f.lookback, "recursive": f.is_recursive, "low": f.low, "high": f.high, "source": f.source,
    }  # fmt: skip
