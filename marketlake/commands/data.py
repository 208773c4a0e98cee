"""`sql`, `tables`, `explain`, `settings`: reading the current release, and what this process is set to."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.guard import Json, example

if TYPE_CHECKING:
    import pyarrow as pa

ReleaseId = Annotated[
    str | None, typer.Option("--release", metavar="ID", help="A release; the current one by default.")
]
SHOWN_ROWS = 1000


class Format(StrEnum):
    """How an answer is printed."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


class Engine(StrEnum):
    """What runs a query."""

    duckdb = "duckdb"
    trino = "trino"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    example(app, "sql", 'sql "SELECT symbol, close FROM gold.prices ORDER BY session_date DESC LIMIT 5"',
            'sql "FROM silver.prices_as_of(\'2024-05-03 09:00:00+09\')" --format parquet --output prices.parquet',
            'sql "SELECT count(*) FROM gold.prices" --engine trino')(sql)  # fmt: skip
    example(app, "tables", "tables", "tables gold.features_daily")(tables)
    example(app, "explain", "explain gold.features_daily 005930 2024-05-03 rsi_14",
            "explain gold.prices XKRX:005930 2024-05-03 close --json")(explain)  # fmt: skip
    example(app, "settings", "settings", "settings --json")(settings)


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One reading statement.")],
    engine: Annotated[Engine, typer.Option(help="What runs it, in that engine's dialect.")] = Engine.duckdb,
    release: ReleaseId = None,
    form: Annotated[Format, typer.Option("--format", help="How the answer is printed.")] = Format.table,
    output: Annotated[Path | None, typer.Option(help="A file for the answer instead of stdout.")] = None,
    as_json: Json = False,
) -> None:
    """Ask the release; tables are at exactly its versions, `marketlake tables` lists them."""
    import sys

    chosen = Format.json if as_json else form
    if chosen is Format.parquet and output is None and sys.stdout.isatty():
        raise typer.BadParameter("Parquet is not for a terminal: name a file by --output, or redirect stdout")
    release_sql = _release_sql(release, engine)
    try:
        rows = release_sql.query(query)
    finally:
        release_sql.close()
    if output is not None:
        target = environment.given_path(output)
        _to_file(rows, chosen, target)
        console.say(f"{rows.num_rows:,} rows in {target}")
    else:
        _to_stdout(rows, chosen)


def tables(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A table; all by default.")] = None,
    release: ReleaseId = None,
    as_json: Json = False,
) -> None:
    """The tables of the release with their versions; of one table its meaning, key, rows and columns."""
    from marketlake.facade import open_lake

    lake = open_lake(release, settings=environment.opened())
    if name is None:
        rows = [dict(row) | {"version": None if row["version"] is None else int(row["version"])}
                for row in lake.tables().astype(object).where(lambda f: f.notna(), None).to_dict("records")]  # fmt: skip
        console.show(rows, as_json=as_json, columns=["table", "version", "key", "doc"])
        return
    found = lake.describe(name)
    columns = found.columns.to_dict("records")
    about = {"table": found.name, "doc": found.doc, "key": ", ".join(found.key), "known_at": found.known_at,
             "rows": found.rows, "version": found.version, "commits": found.commits}  # fmt: skip
    if as_json:
        console.show_json(about | {"columns": columns})
    else:
        console.facts(about)
        console.say()
        console.table(columns, ["column", "type", "unit", "nullable", "doc"])


def explain(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Such as gold.features_daily.")],
    key_and_column: Annotated[
        list[str], typer.Argument(metavar="KEY... COLUMN", help="The row's key, then the column.")
    ],
    release: ReleaseId = None,
    as_json: Json = False,
) -> None:
    """The chain behind one number: release, version, expression, input rows, request, payload digest, code."""
    from marketlake.facade import open_lake

    chain = open_lake(release, settings=environment.opened()).explain(table, *key_and_column)
    if as_json:
        console.show_json(chain.to_dict())
    else:
        console.say(chain.render())


def settings(as_json: Json = False) -> None:
    """Every setting: its value (secrets hidden), where it came from, what it means."""
    rows = [asdict(one) for one in environment.told(environment.open_settings())]
    console.show(rows, as_json=as_json, columns=["name", "value", "source", "meaning"])


def _release_sql(release: str | None, engine: Engine) -> Any:
    from lake.objects import lake_store
    from lake.releases import Releases
    from lake.sql import ReleaseSql

    opened = environment.opened()
    releases = Releases(lake_store(opened))
    found = releases.get(release) if release else releases.current()
    if found is None:
        raise Permanent(
            "sql", expected="a published release", found="none", do="Run `make demo` or `marketlake backfill`"
        )
    if engine is Engine.trino:
        from lake.sql.trino_release import TrinoSql

        return TrinoSql(opened, found, is_own_dialect=True)
    return ReleaseSql(opened, found)


def _to_stdout(rows: "pa.Table", form: Format) -> None:
    import sys

    if form is Format.json:
        console.show_json(rows.to_pylist())
    elif form is Format.table:
        console.show(rows.slice(0, SHOWN_ROWS).to_pylist(), as_json=False, columns=rows.column_names, nothing="no rows")
        if rows.num_rows > SHOWN_ROWS:
            console.warn(f"{SHOWN_ROWS:,} of {rows.num_rows:,} rows; --format csv, json or parquet gives all")
    else:
        sys.stdout.flush()
        _write(rows, form, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _to_file(rows: "pa.Table", form: Format, target: Path) -> None:
    import json

    if not target.parent.is_dir():
        raise typer.BadParameter(f"--output: there is no folder {target.parent}")
    if form is Format.json:
        target.write_text(json.dumps(rows.to_pylist(), ensure_ascii=False, indent=2, default=str))
    else:
        with target.open("wb") as file:
            _write(rows, Format.csv if form is Format.table else form, file)


def _write(rows: "pa.Table", form: Format, target: Any) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    if form is Format.csv:
        pyarrow.csv.write_csv(rows, target)
    else:
        pyarrow.parquet.write_table(rows, target)
