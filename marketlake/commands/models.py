"""`models list|show|card|tune|promote|rollback|shadow|compare|drift` and `predict`: the registry, and what the champions say."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.guard import Json, example, group
from marketlake.commands.model_drift import drift

if TYPE_CHECKING:
    from lake.lake import Lake
    from training.model import Model

Name = Annotated[str, typer.Argument(metavar="NAME", help="A model.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    made = group(app, "models", "The registered models and their champions.")
    example(made, "list", "models list", "models list --json")(list_)
    example(made, "show", "models show return_rank_5d")(show)
    example(made, "card", "models card return_rank_5d", "models card return_rank_5d 2")(card)
    example(made, "tune", "models tune return_rank_5d --trials 20")(tune)
    example(made, "promote", "models promote return_rank_5d 2", "models promote return_rank_5d 2 --force")(promote)
    example(made, "rollback", "models rollback return_rank_5d")(rollback)
    example(made, "shadow", "models shadow return_rank_5d 3", "models shadow return_rank_5d --clear")(shadow)
    example(made, "compare", "models compare return_rank_5d")(compare)
    example(made, "drift", "models drift", "models drift return_rank_5d --json")(drift)
    example(app, "predict", "predict 005930 000660", "predict AAPL --live")(predict)


def list_(as_json: Json = False) -> None:
    """Every version: name, version, alias, run, release, what it was worth out of sample (rank IC, or macro F1 of headlines) with its standard error."""
    from marketlake.predictions import named

    lake = _lake()
    unserved = {(one.model, one.version): list(one.changed) for one in named(lake.settings) if one.changed}
    rows = [
        _row(held) | {"cannot_be_served": unserved.get((held["name"], held["version"]), [])} for held in _versions(lake)
    ]
    shown = ["name", "version", "alias", "run_id", "release_id", "out_of_sample", "decision"]
    console.show(rows, as_json=as_json, columns=shown, nothing="no model yet: run `make demo`")
    for (name, version), why in unserved.items() if not as_json else ():
        console.warn(f"{name} version {version} cannot be served: {'; '.join(why)}")


def show(name: Name, as_json: Json = False) -> None:
    """The versions of one model with all their metrics, and every decision about them with its reasons."""
    from training.registry import decisions

    lake = _lake()
    versions = _named(lake, name)
    told = [_row(held) | {"decisions": decisions(_uri(lake), name, int(held["version"]))} for held in versions]
    if as_json:
        console.show_json(told)
        return
    for one in told:
        console.facts({key: one[key] for key in ("name", "version", "alias", "run_id", "release_id", "decision")})
        console.table(
            [{"metric": key, "value": value} for key, value in sorted(one["metrics"].items())], ["metric", "value"]
        )
        for decision in one["decisions"]:
            console.say(f"{decision['at']} {decision['decision']}")
            for reason in decision.get("reasons", ()):
                console.say(f"  {reason}")
        console.say()


def card(
    name: Name,
    version: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", min=1, help="Its version; the newest without it.")
    ] = None,
) -> None:
    """The card of a version, as Markdown: data, folds, what was found out of sample, features, and what is known against it."""
    from market.exports import CARD
    from training import tracking

    lake = _lake()
    held = {int(one["version"]): str(one["run_id"]) for one in _named(lake, name)}
    if version is not None and version not in held:
        raise Permanent(
            f"model {name}", expected=f"a version among {', '.join(map(str, sorted(held)))}", found=f"{version}"
        )
    run_id = held[max(held) if version is None else version]
    console.say(tracking.artifact(tracking.client(_uri(lake)), run_id, CARD).decode())


def tune(
    name: Name,
    n_trials: Annotated[int, typer.Option("--trials", min=1, help="Choices to judge, the declared one first.")] = 20,
    as_json: Json = False,
) -> None:
    """Look for better parameters by walk-forward on the current release. Every trial counts against whatever is found.

    Nothing is registered: to adopt what is found, write it into the model's file. A search that was broken off goes on.
    """
    from assets.learning import search
    from training.catalogue import model

    declared, lake = model(name), _lake()

    def told(done: int, total: int, what: str) -> None:
        if not as_json:
            console.say(f"{done}/{total} {what}")

    found = search(lake, declared, n_trials, told)
    if as_json:
        console.show_json(asdict(found))
        return
    varied = list(declared.algorithm.search)
    rows = sorted(found.tried, key=lambda one: -one.rank_ic)[:10]
    console.table([{"rank_ic": f"{one.rank_ic:.4f}"} | {key: one.parameters[key] for key in varied} for one in rows],
                  ["rank_ic", *varied])  # fmt: skip
    console.say(f"best rank IC {found.best.rank_ic:.4f}, declared {found.tried[0].rank_ic:.4f}")
    console.say(
        f"{found.trials} trials in the ledger: discounted by them, rank IC {found.deflated_rank_ic:.3f} and book after costs"
        f" {found.deflated_sharpe:.3f} (above 0.95 is hardly luck); probability of overfitting {found.overfitting_probability:.2f}"
        " (at 0.5 choosing among them means nothing)"
    )
    if found.best is not found.tried[0]:
        chosen = {key: value for key, value in found.best.parameters.items() if key in {*varied, *_declared(declared)}}
        console.say(f"to adopt it, in training/models/{name}.py: parameters={chosen}")


def _declared(model: "Model") -> list[str]:
    """Parameters of a model that are not its algorithm's defaults."""
    defaults = model.algorithm.validated({})
    return [key for key, value in model.parameters.items() if value != defaults[key]]


def promote(
    name: Name,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="Its version.")],
    force: Annotated[
        bool, typer.Option("--force", help="Promote although a gate refuses; recorded as forced.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a version champion if it passes every gate, and serve it. Exit code 1 where a gate refuses."""
    from assets import decisions

    lake = _lake()
    _named(lake, name)
    result = decisions.promote(lake, name, version, force=force)
    if as_json:
        console.show_json(asdict(result))
    else:
        for reason in result.reasons:
            console.say(reason)
        forced = " (forced)" if result.forced else ""
        console.say(f"{name} version {version}: {'champion' + forced if result.promoted else 'refused'}")
    if not result.promoted:
        raise typer.Exit(1)


def rollback(name: Name) -> None:
    """Give the alias back to the champion before the present one, and serve it."""
    from assets import decisions

    lake = _lake()
    _named(lake, name)
    held = decisions.rollback(lake, name)
    console.say(f"{name} version {held['version']} is champion again (run {held['run_id']})")


def shadow(
    name: Name,
    version: Annotated[int | None, typer.Argument(metavar="[VERSION]", min=1, help="Its version.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="No version is shadow any more.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; recorded with the version.")] = "by hand",
) -> None:
    """Let a version score each session beside the champion, from the next one on, without anybody seeing it: `models compare`."""
    from assets import decisions

    if clear == (version is not None):
        raise typer.BadParameter("give a VERSION or --clear")
    lake = _lake()
    _named(lake, name)
    decisions.shadow(lake, name, version, reason)
    console.say(f"{name} version {version} is the shadow" if version else f"{name} has no shadow any more")


def compare(name: Name, as_json: Json = False) -> None:
    """Champion and shadow on the sessions that both scored, that neither was trained on, and whose outcomes are known."""
    from assets.shadows import compared

    champion, beside, found = compared(_lake(), name)
    if as_json:
        console.show_json({"model": name, "champion_version": champion, "shadow_version": beside, **asdict(found)})
        return
    if not found.sessions:
        console.say(f"{name}: version {champion} and its shadow, version {beside}, have no session yet that both scored and"
                    " whose outcomes are known")  # fmt: skip
        return
    sides = {f"champion {champion}": found.champion, f"shadow {beside}": found.shadow}
    console.table(
        [{"version": who, "rank_ic": f"{one.rank_ic:+.4f}", "error": f"{one.standard_error:.4f}", "turnover": f"{one.turnover:.2f}"}
         for who, one in sides.items()],
        ["version", "rank_ic", "error", "turnover"],
    )  # fmt: skip
    interval = (
        f"not known below {found.needed} sessions"
        if math.isnan(found.lower)
        else f"{found.lower:+.4f} to {found.upper:+.4f}"
    )
    console.say(
        f"shadow less champion {found.difference:+.4f} (error {found.standard_error:.4f}; 95 % interval {interval})"
    )
    console.say(f"correlation of the scores {found.correlation:.3f}; {found.sessions} sessions, {found.rows:,} rows")


def predict(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Codes or security ids.")],
    live: Annotated[
        bool, typer.Option("--live", help="Score the online features now instead of reading the release.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What the champions say of securities: the newest session's score and rank in the current release."""
    from marketlake import predictions

    settings = environment.opened()
    rows = predictions.live(settings, symbols) if live else predictions.stored(settings, symbols)
    columns = ["symbol", "security_id", "session_date", "model", "model_version", "score", "rank"]
    console.show(rows, as_json=as_json, columns=[name for name in columns if any(name in row for row in rows)],
                 nothing="no prediction: no champion yet (`marketlake models list`)")  # fmt: skip


def _lake() -> "Lake":
    from lake.lake import Lake

    return Lake(environment.opened())


def _uri(lake: "Lake") -> str:
    from assets.learning import tracking_uri

    return tracking_uri(lake)


def _versions(lake: "Lake") -> list[dict[str, Any]]:
    from training.registry import list_models

    return list_models(_uri(lake))


def _named(lake: "Lake", name: str) -> list[dict[str, Any]]:
    versions = _versions(lake)
    found = [held for held in versions if held["name"] == name]
    if not found:
        names = ", ".join(sorted({str(held["name"]) for held in versions})) or "none is registered yet"
        raise Permanent(
            "models", expected=f"a registered model ({names})", found=repr(name), do="See `marketlake models list`"
        )
    return found


def _row(held: dict[str, Any]) -> dict[str, Any]:
    from marketlake.summary import worth

    return {**held, "alias": ", ".join(held["aliases"]), "out_of_sample": worth(held)}
