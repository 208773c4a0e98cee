"""`quarantine list|show|release`: the rows that the gate refused, why, and letting a session pass all the same."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.day import parse, running
from marketlake.commands.guard import Json, example, group

if TYPE_CHECKING:
    from lake.settings import Settings

TABLE = "ops.quarantine"
Session = Annotated[str | None, typer.Option(metavar="DATE", help="Only rows of this session.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    made = group(app, "quarantine", "Rows that the gate refused: nothing is lost, nothing is hidden.")
    example(made, "list", "quarantine list", "quarantine list --session 2024-05-03 --json")(list_)
    example(made, "show", "quarantine show silver.prices --session 2024-05-03")(show)
    example(made, "release", 'quarantine release silver.prices --session 2024-05-03 --reason "the source confirmed"')(
        release
    )


def list_(
    table: Annotated[str | None, typer.Option(help="Only rows meant for this table.")] = None,
    session: Session = None,
    as_json: Json = False,
) -> None:
    """How many rows are held, by table, session, state and reason."""
    counts: dict[tuple[str, str, str, str], int] = {}
    for row in _rows(environment.opened(), table, session):
        name = (row["table"], f"{row['session_date']}", row["state"], row["reason"])
        counts[name] = counts.get(name, 0) + 1
    told = [
        dict(zip(("table", "session", "state", "reason"), name, strict=True)) | {"rows": n}
        for name, n in counts.items()
    ]
    told.sort(key=lambda row: (str(row["table"]), str(row["session"])))
    console.show(
        told, as_json=as_json, columns=["table", "session", "state", "rows", "reason"], nothing="nothing is held"
    )


def show(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table that the rows were meant for.")],
    session: Session = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 20,
    as_json: Json = False,
) -> None:
    """The rows themselves, with every rule they broke and the payload they came in."""
    rows = _rows(environment.opened(), table, session)
    told = [{**row, "row": json.loads(row["row"]), "row_key": json.loads(row["row_key"])} for row in rows[:limit]]
    if as_json:
        console.show_json(told)
        return
    for row in told:
        key = " ".join(str(part) for part in row["row_key"].values())
        console.say(f"{row['table']} {key}: {row['state']}")
        console.facts({"  reason": row["reason"], "  payload": row["payload_digest"], "  position": row["row_no"],
                       "  row": json.dumps(row["row"], ensure_ascii=False)})  # fmt: skip
    console.say(f"{len(told)} of {len(rows)} rows" if rows else "nothing is held")


def release(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table whose refused rows stopped the session.")],
    session: Annotated[str, typer.Option(metavar="DATE", help="The session to let pass.")],
    reason: Annotated[str, typer.Option(help="Why it may; kept with the rows.")],
) -> None:
    """Let a blocked session pass: build it again without that table's limit on the share of refused rows, and publish.

    The refused rows stay out of the table and in quarantine, marked as released with your reason; the good ones are published.
    Any other check still blocks.
    """
    day = parse(session)
    settings = environment.opened()
    held = [row for row in _rows(settings, table, session) if row["state"] == "held"]
    if not held:
        raise Permanent(
            f"quarantine {table} {day}", expected="held rows", found="none", do="See `marketlake quarantine list`"
        )
    from assets.tables import LIFTED
    from jobs.names import BUILD

    with running() as runner:
        runner.run(BUILD, day, day, {LIFTED: table})
    _mark_released(settings, held, reason)
    now = runner.lake.releases.current()
    console.say(
        f"{len(held)} rows of {table} {day} marked released; current release {now.release_id if now else 'none'}"
    )


def _rows(settings: "Settings", table: str | None, session: str | None) -> list[dict[str, Any]]:
    """Rows in quarantine with their newest state, oldest session first."""
    import pyarrow.dataset as ds

    from lake.delta import DeltaLake
    from market import registry

    wanted = [ds.field("session_date") == parse(session)] if session else []
    wanted += [ds.field("table") == table] if table else []
    where = None if not wanted else wanted[0] if len(wanted) == 1 else wanted[0] & wanted[1]
    contract = registry.table(TABLE)
    newest: dict[tuple[Any, ...], dict[str, Any]] = {}
    rows = DeltaLake(settings).read(contract, where=where).to_pylist()
    for row in sorted(rows, key=lambda row: row["state"] != "held"):  # a person's word is after the gate's
        newest[tuple(row[name] for name in contract.key)] = row
    return sorted(newest.values(), key=lambda row: (row["session_date"], row["table"], row["row_key"]))


def _mark_released(settings: "Settings", held: list[dict[str, Any]], reason: str) -> None:
    import pyarrow as pa

    from lake.clock import system_clock
    from lake.delta import DeltaLake
    from market import registry
    from market.digest import digest

    contract = registry.table(TABLE)
    told = [{**row, "state": "released", "reason": f"{row['reason']}; released: {reason}", "known_at": system_clock()}
            for row in held]  # fmt: skip
    rows = contract.conform(pa.Table.from_pylist(told, schema=contract.schema))
    content = digest(rows, contract.key, contract.digested)
    DeltaLake(settings).append(contract, rows, app_id=f"released:{content}", app_version=1)
