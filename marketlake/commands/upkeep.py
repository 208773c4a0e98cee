"""`vacuum`, `backup`, `restore`, `metrics`: what keeps a lake in order over years."""

from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.guard import Json, example
from marketlake.commands.stack import AnyStack, Stack

if TYPE_CHECKING:
    from lake.settings import Settings
    from lake.vacuum import Swept
    from marketlake.stack.backup import Databases

SHOWN = 3
"""Versions, and holders of each, that a table names."""

Folder = Annotated[str, typer.Argument(metavar="FOLDER", help="The backup's folder.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    example(app, "vacuum", "vacuum --dry-run", "vacuum gold.features_daily --keep-days 7")(vacuum)
    example(app, "backup", "backup ~/backups/2024-05-03", "backup ~/backups/2024-05-03 --stack local")(backup)
    example(app, "restore", "restore ~/backups/2024-05-03", "restore ~/backups/2024-05-03 --yes")(restore)
    example(app, "metrics", "metrics")(metrics)


def vacuum(
    table: Annotated[str, typer.Argument(metavar="[TABLE]", help="One table; all by default.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    keep_days: Annotated[int, typer.Option(min=0, help="Versions of that many days stay, pinned or not.")] = 30,
    as_json: Json = False,
) -> None:
    """Remove data files that no release, no registered model, no newest version and none of the last days needs.

    A file of the last seven days stays in any case: whoever wrote it may be about to commit it.
    """
    from marketlake import upkeep

    reports = list(upkeep.vacuum(environment.opened(), timedelta(days=keep_days), only=table, dry_run=dry_run))
    if as_json:
        console.show_json([_whole(report) for report in reports])
        return
    columns = ["what", "removed", "removed_mb", "too_young", "kept", "kept_mb", "held_by"]
    console.show([_line(report) for report in reports], as_json=False, columns=columns, nothing="no table yet")
    total = sum(report.removed_bytes for report in reports) / 1e6
    n_files = sum(len(report.removed) for report in reports)
    console.say(f"\n{n_files:,} files, {total:,.1f} MB {'would be removed' if dry_run else 'removed'}")


def backup(folder: Folder, stack: AnyStack = None) -> None:
    """Copy what cannot be built again: the databases of MLflow and Dagster, the releases' pointer, the models' champions.

    The lake's tables, the payloads and MLflow's artifacts are files of their store, and are copied by its own means.
    """
    from marketlake.stack import backup as copies

    settings, databases = _of_stack(stack)
    made = copies.backup(settings, databases, environment.given_path(folder), console.say)
    size = sum(part.size_bytes for part in made.parts) / 1e6
    console.say(f"{len(made.parts)} files, {size:,.1f} MB; current release {made.current_release or 'none'}")


def restore(
    folder: Folder,
    stack: AnyStack = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put the databases back as a backup has them, and the releases and champions that the lake lacks.

    Releases are never rewritten: what was published since the backup stays, and stays current. On the local stack the services
    that use the databases are stopped meanwhile; on the embedded one, end them first by `marketlake down`.
    """
    from marketlake.stack import backup as copies

    settings, databases = _of_stack(stack)
    source = environment.given_path(folder)
    made = copies.checked(source)
    console.say(f"backup of the {made.stack} stack, {made.made_at}, code {made.code_sha[:12]}, "
                f"release {made.current_release or 'none'}, lake {made.lake_url}")  # fmt: skip
    replaced = ", ".join(part.name for part in made.parts if part.kind != "object") or "no database"
    if not yes:
        typer.confirm(f"replace {replaced} by what the backup holds?", abort=True)
    with ExitStack() as held:
        if databases.stack == Stack.local:
            held.enter_context(_without_clients(settings))
        else:
            _refuse_running(settings)
        copies.restore(settings, databases, source, console.say)
    _say_current(settings, made.current_release)


def metrics() -> None:
    """The numbers of jobs, sources and releases in Prometheus's text format, taken now; their file is written too."""
    from jobs.metrics import write
    from jobs.run import instance
    from lake.lake import Lake

    settings = environment.opened()
    with instance(settings) as dagster:
        console.say(write(Lake(settings), dagster).read_text().rstrip())


def _line(report: "Swept") -> dict[str, Any]:
    return {
        "what": report.what, "removed": len(report.removed), "removed_mb": round(report.removed_bytes / 1e6, 1),
        "too_young": len(report.waiting), "kept": report.kept_files, "kept_mb": round(report.kept_bytes / 1e6, 1),
        "held_by": _held_by(report),
    }  # fmt: skip


def _held_by(report: "Swept") -> str:
    """The newest versions that stay, and why; JSON has all."""
    shown = []
    for hold in report.holds[:SHOWN]:
        names = [name.removeprefix("release ") for name in hold.holders]
        named = ", ".join(names) if len(names) <= SHOWN else f"{names[0]} and {len(names) - 1} more"
        shown.append(f"v{hold.version} {named}")
    more = len(report.holds) - SHOWN
    return "; ".join([*shown, f"{more} more versions"] if more > 0 else shown)


def _whole(report: "Swept") -> dict[str, Any]:
    return {
        **asdict(report),
        "removed": [asdict(entry) for entry in report.removed],
        "removed_bytes": report.removed_bytes,
        "holds": [asdict(hold) for hold in report.holds],
    }


def _of_stack(stack: Stack | None) -> "tuple[Settings, Databases]":
    """The settings of the stack that was named, or that runs, and its databases."""
    from marketlake.stack import local
    from marketlake.stack.backup import SqliteFiles
    from marketlake.stack.place import Place

    settings = environment.opened()
    if stack is Stack.embedded or (stack is None and not local.is_up(settings)):
        return settings, SqliteFiles.of(settings)
    if not local.is_up(settings):
        raise Permanent("local stack", expected="to run", found="it does not", do="`marketlake up --stack local`")
    from marketlake.stack.dump import PostgresDatabases

    place = Place(settings)
    return local.local_settings(place), PostgresDatabases(place)


def _without_clients(settings: "Settings") -> Any:
    from marketlake import upkeep

    return upkeep.without_clients(settings, "postgres", console.say)


def _refuse_running(settings: "Settings") -> None:
    from marketlake import services

    using = [one.service for one in services.status(settings) if one.pid and one.service in ("dagster", "dagster-daemon", "mlflow")]  # fmt: skip
    if using:
        raise Permanent("restore", expected="services that use the databases to be ended", found="some run", keys=using,
                        do="End them: `marketlake down`")  # fmt: skip


def _say_current(settings: "Settings", expected: str) -> None:
    from lake.objects import lake_store
    from lake.releases import Releases

    found = Releases(lake_store(settings)).current()
    name = found.release_id if found else "none"
    console.say(f"current release: {name}")
    if expected and name != expected:
        console.say(f"the lake has moved on since the backup; back to it: `marketlake release rollback {expected}`")
    if found:
        console.say(f"fill the online store from it: `marketlake release rollback {name}`")
