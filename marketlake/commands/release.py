"""`release list|show|current|diff|rollback|digest`: what people see, what they saw, and going back."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.guard import Json, example, group

if TYPE_CHECKING:
    from lake.releases import Release, Releases
    from lake.settings import Settings

Id = Annotated[str | None, typer.Argument(metavar="[ID]", help="A release; the current one by default.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    made = group(app, "release", "What people see: which version of every table, and which release is current.")
    example(made, "list", "release list")(list_)
    example(made, "show", "release show", "release show r00003 --json")(show)
    example(made, "current", "release current")(current)
    example(made, "diff", "release diff r00002 r00003")(diff)
    example(made, "rollback", "release rollback", "release rollback r00002")(rollback)
    example(made, "digest", "release digest", "release digest r00003 --json")(digest)


def list_(as_json: Json = False) -> None:
    """Every release, newest first."""
    releases = _releases(environment.opened())
    now = releases.current()
    rows = [
        {"release": one.release_id, "current": now is not None and one.release_id == now.release_id, "kind": one.kind,
         "created_at": one.created_at, "as_of": one.as_of, "first_session": one.first_session,
         "last_session": one.last_session, "code": one.meta["code_sha"], "parent": one.parent}
        for one in releases.list()
    ]  # fmt: skip
    shown = ["release", "current", "kind", "created_at", "as_of", "first_session", "last_session"]
    console.show(rows, as_json=as_json, columns=shown, nothing="no release yet: run `make demo`")


def show(release: Id = None, as_json: Json = False) -> None:
    """One release: its instant, code, rulebook, checks and table versions."""
    import json

    found = _found(_releases(environment.opened()), release)
    if as_json:
        console.show_json(json.loads(found.to_json()))
        return
    console.facts(_facts(found))
    console.say()
    console.table(
        [{"table": name, "version": version} for name, version in sorted(found.tables.items())], ["table", "version"]
    )


def current(as_json: Json = False) -> None:
    """The release that people see now."""
    found = _found(_releases(environment.opened()), None)
    if as_json:
        console.show_json({"release_id": found.release_id, **_facts(found)})
    else:
        console.facts(_facts(found))


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A release.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    as_json: Json = False,
) -> None:
    """The tables whose versions differ: rows before and after, and whether the content differs too."""
    settings = environment.opened()
    releases = _releases(settings)
    a, b = releases.get(before), releases.get(after)
    names = sorted(name for name in {*a.tables, *b.tables} if a.tables.get(name) != b.tables.get(name))
    rows = [_difference(settings, name, a.tables.get(name), b.tables.get(name)) for name in names]
    if not as_json:
        heads = {name: (value, _facts(b)[name]) for name, value in _facts(a).items() if value != _facts(b)[name]}
        console.facts({name: f"{console.cell(was)} -> {console.cell(now)}" for name, (was, now) in heads.items()})
        console.say()
    columns = ["table", "version_before", "version_after", "rows_before", "rows_after", "content"]
    console.show(rows, as_json=as_json, columns=columns, nothing="the same tables at the same versions")


def rollback(
    release: Annotated[str | None, typer.Argument(metavar="[ID]", help="A release; the one before by default.")] = None,
) -> None:
    """Make an earlier release current (by default the one before), and refill the online store from it.

    A day publishes twice: one step back from the second shows its data without its predictions, two show the day before. The
    tables stay as they are: the next publication shows their newest state again.
    """
    settings = environment.opened()
    releases = _releases(settings)
    releases.rollback(release)
    from lake import shown

    found, filled = shown.follow(settings, releases)
    console.say(f"release {found.release_id} is current: sessions {found.first_session} to {found.last_session}; "
                f"{filled} securities online")  # fmt: skip


def digest(release: Id = None, as_json: Json = False) -> None:
    """SHA-256 of every table over its canonical rows, and one over all: equal for equal content on any engine or storage."""
    import hashlib

    settings = environment.opened()
    found = _found(_releases(settings), release)
    digests = {name: _digest(settings, name, version) for name, version in sorted(found.tables.items())}
    whole = hashlib.sha256("\n".join(f"{name} {told}" for name, told in digests.items()).encode()).hexdigest()
    if as_json:
        console.show_json({"release_id": found.release_id, "digest": whole, "tables": digests})
    else:
        rows = [{"table": name, "digest": told} for name, told in digests.items()]
        console.table([*rows, {"table": f"all of {found.release_id}", "digest": whole}], ["table", "digest"])


def _releases(settings: "Settings") -> "Releases":
    from lake.objects import lake_store
    from lake.releases import Releases

    return Releases(lake_store(settings))


def _found(releases: "Releases", release_id: str | None) -> "Release":
    found = releases.get(release_id) if release_id else releases.current()
    if found is None:
        raise Permanent(
            "release", expected="a published release", found="none", do="Run `make demo` or `marketlake backfill`"
        )
    return found


def _facts(release: "Release") -> dict[str, Any]:
    checks = f"{release.checks.get('checks', 0)}, {release.checks.get('warnings', 0)} warned" if release.checks else "-"
    return {
        "release": release.release_id, "kind": release.kind, "created_at": release.created_at, "as_of": release.as_of,
        "sessions": f"{release.first_session} to {release.last_session}", "code": release.meta["code_sha"],
        "rulebook": release.rulebook, "checks": checks, "parent": release.parent or None,
    }  # fmt: skip


def _difference(settings: "Settings", name: str, before: int | None, after: int | None) -> dict[str, Any]:
    digests = [None if version is None else _digest(settings, name, version) for version in (before, after)]
    content = (
        "gone" if after is None else "new" if before is None else "equal" if digests[0] == digests[1] else "differs"
    )
    return {
        "table": name, "version_before": before, "version_after": after, "rows_before": _rows(settings, name, before),
        "rows_after": _rows(settings, name, after), "content": content, "digest_before": digests[0], "digest_after": digests[1],
    }  # fmt: skip


def _rows(settings: "Settings", name: str, version: int | None) -> int | None:
    from lake.delta import DeltaLake

    return None if version is None else int(DeltaLake(settings).dataset(name, version).count_rows())


def _digest(settings: "Settings", name: str, version: int) -> str:
    from lake.delta import DeltaLake
    from market import registry
    from market.digest import digest as of_rows

    contract = registry.table(name)
    columns = list(dict.fromkeys([*contract.digested, *contract.key]))
    return of_rows(
        DeltaLake(settings).read(contract, version=version, columns=columns), contract.key, contract.digested
    )
