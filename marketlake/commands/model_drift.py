"""`models drift`: how far the champions' inputs and scores have moved from their training, as the last build measured it.

What does not belong here: measuring (`assets.drift`, after each build).
"""

from typing import Annotated, Any

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.guard import Json

COLUMNS = ("quantity", "metric", "value", "moved_at", "drifted_at", "verdict")


def drift(
    name: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="A model; every champion without it.")] = None,
    as_json: Json = False,
) -> None:
    """How far each champion has moved from its training, worst first.

    Its features and scores against the release that it was fitted on, and the rank IC of its scores since, as the check `drift` in Dagster
    measured them after the last build. `ops.model_drift` has every measurement.
    """
    from assets.drift import champions, kept
    from lake.objects import lake_store
    from training.drift import worst_first

    store = lake_store(environment.opened())
    names = champions(store)
    if name is not None and name not in names:
        raise Permanent("models drift", expected=f"a champion ({', '.join(names) or 'there is none yet'})", found=repr(name),
                        do="See `marketlake models list`")  # fmt: skip
    found = {one: worst_first(kept(store, one)) for one in names if name in (None, one)}
    if as_json:
        console.show_json([row for rows in found.values() for row in rows])
        return
    if not found:
        console.say("no champion yet: run `make demo`")
    for one, rows in found.items():
        _tell(one, rows)


def _tell(name: str, rows: list[dict[str, Any]]) -> None:
    from training.drift import WHAT_TO_DO, worst

    if not rows:
        console.say(f"{name}: not measured yet; the job `build` does it, of models that score rows of features\n")
        return
    verdict, first = worst(rows), rows[0]
    console.say(
        f"{name} version {first['model_version']} on release {first['release_id']}: {verdict}; {WHAT_TO_DO[verdict]}"
    )
    console.table([{column: _cell(row[column]) for column in COLUMNS} for row in rows], COLUMNS)
    for row in rows:
        if row["verdict"] != "steady":
            console.say(f"  {row['found']}")
    console.say()


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)
