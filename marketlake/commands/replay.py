"""`replay RUN_ID|--all`: registered runs made again from their locks, and whether the bits are the same."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.guard import Json, example

if TYPE_CHECKING:
    from assets.replay import NotReplayed, Replayed

MATCHES, DIFFERS, NOT_REPLAYED = "matches", "differs", "not replayed"


def register(app: typer.Typer) -> None:
    """Add the command."""
    run = "0123456789abcdef0123456789abcdef"
    example(app, "replay", f"replay {run}", f"replay {run} --here", "replay --all")(replay)


def replay(
    run_id: Annotated[str | None, typer.Argument(metavar="[RUN_ID]", help="An MLflow run.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every registered version's run, of every kind of model.")
    ] = False,
    here: Annotated[bool, typer.Option("--here", help="With the present code, whatever the run recorded.")] = False,
    as_json: Json = False,
) -> None:
    """Train again from the recorded lock, at the recorded commit, and compare digests of booster and predictions.

    Exit code 1 where one differs or cannot be made again, for instance since a package is not installed; the others are made all the
    same.
    """
    from assets.replay import replay as again
    from assets.replay import replay_each
    from lake.lake import Lake

    if every == (run_id is not None):
        raise typer.BadParameter("give a RUN_ID or --all")
    lake = Lake(environment.opened())
    if run_id is not None:
        told = [_told(again(lake, run_id, here=here), "", as_json)]
    else:
        names = _registered(lake)
        outcomes = replay_each(lake, list(names), here=here)
        told = [
            _told(one, f"{number}/{len(names)} {names[one.run_id]} ", as_json) for number, one in enumerate(outcomes, 1)
        ]
        if not as_json:
            console.say(_summary(told))
    if as_json:
        console.show_json(told)
    if any(one["verdict"] != MATCHES for one in told):
        raise typer.Exit(1)


def _registered(lake: Any) -> dict[str, str]:
    """Model and version of every registered run."""
    from assets.learning import tracking_uri
    from training.registry import list_models

    found = {str(held["run_id"]): f"{held['name']} {held['version']}" for held in list_models(tracking_uri(lake))}
    if not found:
        raise Permanent("replay", expected="a registered model version", found="none", do="Run `make demo` first")
    return found


def _told(made: "Replayed | NotReplayed", which: str, as_json: bool) -> dict[str, Any]:
    """What came of one run, said as it ends."""
    from assets.replay import NotReplayed

    if isinstance(made, NotReplayed):
        if not as_json:
            console.say(f"{which}{made.run_id}: NOT REPLAYED: {made.why}")
        return {"run_id": made.run_id, "verdict": NOT_REPLAYED, "matches": False, "failure": made.why}
    if not as_json:
        _say(made, which)
    return asdict(made) | {"verdict": MATCHES if made.matches else DIFFERS}


def _say(made: "Replayed", which: str) -> None:
    sha = f"{made.code_sha}{'+dirty' if made.code_dirty else ''}"
    verdict = "matches, bit for bit" if made.matches else "DIFFERS"
    if not made.same_code:
        verdict += ", with other code than the run's"
    if made.packages:
        verdict += f", with other packages than the run's ({'; '.join(made.packages)})"
    console.say(f"{which}{made.run_id}: {verdict} (code {sha})")
    console.say(f"  made again with {made.where}")
    for difference in made.differences:
        console.say(f"  {difference}")


def _summary(told: list[dict[str, Any]]) -> str:
    runs = {
        verdict: [one["run_id"] for one in told if one["verdict"] == verdict] for verdict in (DIFFERS, NOT_REPLAYED)
    }
    named = [f"; {len(found)} {verdict}: {', '.join(found)}" for verdict, found in runs.items() if found]
    return f"{sum(one['matches'] for one in told)} of {len(told)} match" + "".join(named)
