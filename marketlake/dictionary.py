"""The reference pages of `docs/` and their pictures, made from the code: tables, features, rulebook, settings, commands. `make docs` calls it.

A test holds the committed files against what this writes. What does not belong here: prose about how things work, which is
written by hand beside these pages; how the pictures are drawn (`marketlake.sheets`).
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from typer.main import get_command

from lake.settings import Settings
from market import registry, rulebook
from market.rules.line import told
from market.table import LAYERS, Between, Column, IsSession, Matches, OneOf, Read, Rule, Table
from marketlake import sheets
from marketlake.dictionary_features import PICTURES, features_page, indicators_page, operators_page, patterns_page
from marketlake.markdown import NOTICE, anchor, bound, grid, text, yes

HELP_WIDTH = 100
LAYER_DOCS: Mapping[str, str] = {
    "bronze": "As delivered, append-only; the payload itself is kept in the landing zone.",
    "silver": "Typed, identified, judged, bitemporal: a revision is a new row, nothing is overwritten.",
    "gold": "What people use.",
    "ops": "What the lake says of itself, and what nobody is to act on. Read at head rather than by release.",
}
ROLES: Mapping[str, str] = {
    "main": "rows spread over kernel calls",
    "join": "joined to the main rows",
    "side": "whole, for every call",
    "state": "own rows before the window, to resume from",
}


def pages() -> dict[str, str]:
    """Every generated page and picture by file name; the same text each time for the same code."""
    return {
        "tables.md": tables_page(),
        "features.md": features_page(),
        "operators.md": operators_page(),
        "indicators.md": indicators_page(),
        "patterns.md": patterns_page(),
        "rulebook.md": rulebook_page(),
        "settings.md": settings_page(),
        "commands.md": commands_page(),
        **{f"{PICTURES}/{name}": drawn for name, drawn in sheets.sheets().items()},
    }


def write(folder: Path) -> list[Path]:
    """Write every page and picture into the folder, and remove pictures that are none any more; the files that were changed by it."""
    made, changed = pages(), []
    for stale in [path for path in (folder / PICTURES).glob("*.svg") if f"{PICTURES}/{path.name}" not in made]:
        stale.unlink()
        changed.append(stale)
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    for name, page in made.items():
        target = folder / name
        if not target.exists() or target.read_text() != page:
            target.write_text(page)
            changed.append(target)
    return changed


def tables_page() -> str:
    """The data dictionary: an overview, then every contract with its columns."""
    tables = registry.tables().values()
    lines = [
        NOTICE.format(source="the contracts under `market/datasets`"),
        "# Tables",
        "",
        f"{len(tables)} tables, each defined by one file under `market/datasets/<layer>/`. How to add one: "
        "[how-to/add-a-table.md](how-to/add-a-table.md). SQL has two names more, which are no tables: `gold.prices_adjusted` "
        "(gold.prices on the scale of its last session) and `ops.releases` (what `marketlake release list` shows).",
        "",
    ]
    for layer in LAYERS:
        rows = [[f"[{t.name}](#{anchor(t.name)})", t.doc] for t in registry.layer(layer)]
        lines += [f"**{layer}**: {LAYER_DOCS[layer]}", "", *grid(("table", "holds"), rows), ""]
    for table in tables:
        lines += _table(table)
    return text(lines)


def rulebook_page() -> str:
    """Every line of the Korean rulebook, rule by rule, with its source and whether it was verified."""
    doubtful = sum(not line.verified for line in rulebook.LINES)
    lines = [
        NOTICE.format(source="the lines under `market/rules`"),
        "# Rulebook",
        "",
        f"{len(rulebook.LINES)} dated lines on Korean shares and ETFs, {doubtful} of them **unverified**; version `{rulebook.version()}`, "
        "the digest of them all, is recorded by every release and run. A line holds from its first trade date until the next one "
        "of its market. Verified: an announcement of the exchange or a ministry was read, in the press or in a broker's notice, or "
        "every recorded price agrees. Unverified: third-party code, one page of somebody else's, or memory. No statute was read. "
        "`marketlake rulebook DATE` shows the lines of a day; `market/rulebook.py` applies them.",
        "",
    ]
    for name, rule in rulebook.RULES.items():
        rows = [
            [
                line.market,
                str(line.valid_from),
                told(line.value, rule.unit),
                "yes" if line.verified else "**unverified**",
                line.source,
            ]
            for line in rulebook.LINES
            if line.rule == name
        ]
        lines += [f"## {name}", "", rule.doc, "", *grid(("market", "from", "is", "verified", "source"), rows), ""]
    return text(lines)


def settings_page() -> str:
    """Every setting: variable, default, meaning; secrets marked."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.get_default()
        is_secret = isinstance(default, SecretStr)
        shown = "" if is_secret or default is None else str(default)
        meaning = f"{field.description}{' (secret)' if is_secret else ''}"
        rows.append([f"`MARKETLAKE_{name.upper()}`", f"`{shown}`" if shown else "", meaning])
    lines = [
        NOTICE.format(source="`lake/settings.py`"),
        "# Settings",
        "",
        "Read from the environment, then from the file that `MARKETLAKE_ENV_FILE` names, then from `.env`, then from "
        "`var/stack/embedded.env` (written by `make up` and `make demo`), then these defaults. Paths are relative to the "
        "project's root. `marketlake settings` shows each value and where it came from; secrets are hidden there, in logs and in "
        "stored requests.",
        "",
        "The names of the headers that carry a key change with one setting alone, `MARKETLAKE_NAVER_FLAVOUR`: X-Naver-Client-Id and "
        "X-Naver-Client-Secret (`legacy`), X-NCP-APIGW-API-KEY-ID and X-NCP-APIGW-API-KEY (`hub`). The others are the sources' own, and "
        "constants of their clients: AUTH_KEY of KRX Open API, Authorization of Kakao, User-Agent of SEC (its value is "
        "`MARKETLAKE_SEC_USER_AGENT`); OpenDART's key is the parameter crtfc_key.",
        "",
        *grid(("variable", "default", "meaning"), rows),
    ]
    return text(lines)


def commands_page() -> str:
    """The help text of every command, in the order in which `marketlake --help` lists them."""
    from marketlake.cli import app  # here: the other pages need no command line

    lines = [
        NOTICE.format(source="the command line"),
        "# Commands",
        "",
        "Exit codes: 0 done, 1 failed (one line on stderr says where, what was expected and what to do), 2 bad usage.",
        "",
    ]
    for path, help_text in _helps(get_command(app), "marketlake", None):
        lines += [f"## {path}", "", "```text", *(line.rstrip() for line in help_text.splitlines()), "```", ""]
    return text(lines)


def _helps(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    context = command.context_class(
        command, info_name=name, parent=parent, terminal_width=HELP_WIDTH, max_content_width=HELP_WIDTH
    )
    yield context.command_path, command.get_help(context)
    for child, nested in getattr(command, "commands", {}).items():
        yield from _helps(nested, child, context)


def _table(table: Table) -> list[str]:
    facts = [
        f"- key: {', '.join(table.key)}",
        f"- known_at: {table.known_at}",
        f"- source: {_sources(table)}",
        f"- commits {table.commits}",
        f"- files by: {table.partition or 'not partitioned'}",
    ]
    if table.reads:
        facts += ["- reads:", *(f"  - {_read(read)}" for read in table.reads)]
    if table.row_rules:
        facts += ["- row rules:", *(f"  - `{r.left} {r.op} {r.right}`: {r.doc}" for r in table.row_rules)]
    if table.restates:
        facts.append(f"- a build also writes the {table.restates} sessions before it again")
    if table.carries:
        facts.append("- a changed session changes the later ones, so a build goes on to the last")
    if table.follows:
        facts.append("- a build goes on to the sessions whose rows read what has changed since")
    rows = [[c.name, c.type, c.unit, yes(c.nullable), _rules(c), _meaning(c)] for c in table.columns]
    columns = grid(("column", "type", "unit", "null", "rules", "meaning"), rows)
    return [f"## {table.name}", "", table.doc, "", *facts, "", *columns, ""]


def _sources(table: Table) -> str:
    """The sources whose answers a table is made from, through every table that it reads."""
    found, left = set[str](), [table]
    while left:
        one = left.pop()
        found |= {one.source} - {""}
        left += [registry.table(read.table) for read in one.reads if read.role != "state"]
    if not found:
        return "the pipeline itself" if table.layer == "ops" else "the calendar of the exchanges"
    return ", ".join(f"`{name}`" for name in sorted(found))


def _read(read: Read) -> str:
    parts = [ROLES[read.role]]
    if read.spread:
        parts.append(f"by {read.spread}")
    if read.on:
        parts.append(f"on {', '.join(read.on)}")
    if read.columns:
        parts.append(f"only {', '.join(read.columns)}")
    if read.known_as:
        parts.append("with its known_at")
    if read.history is None:
        parts.append("all sessions before")
    elif read.history:
        parts.append(f"{read.history} sessions before")
    if read.versions:
        parts.append("every version")
    return f"[{read.table}](#{anchor(read.table)}): {'; '.join(parts)}"


def _rules(column: Column) -> str:
    return "; ".join(_rule(rule) for rule in column.rules)


def _rule(rule: Rule) -> str:
    match rule:
        case Between(low, high):
            return f"{bound(low, '-inf')} to {bound(high, 'inf')}"
        case OneOf(values):
            return f"one of {', '.join(values)}"
        case Matches(pattern):
            return f"matches `{pattern}`"
        case IsSession(exchange_column):
            return f"a session of {exchange_column}"


def _meaning(column: Column) -> str:
    marks = [word for word, is_so in (("volatile", column.volatile), ("internal", column.internal)) if is_so]
    return column.doc + (f" ({', '.join(marks)})" if marks else "")


def main(arguments: Sequence[str]) -> None:
    """Write the pages into the folder named first (`docs` by default) and say which changed."""
    folder = Path(arguments[0] if arguments else "docs")
    for target in write(folder):
        sys.stdout.write(f"{'wrote' if target.exists() else 'removed'} {target}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
