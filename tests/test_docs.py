"""The documentation cannot rot: its links lead somewhere, what it names exists, and its examples still fit the frame.

That the generated pages are fresh is tested in `tests/marketlake/test_dictionary.py`.
"""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from typer.main import get_command

from bench import page as measured
from lake.settings import Settings
from market.features import algebra
from market.features.library import momentum
from market.table import Table
from marketlake.cli import app
from tests.support.small_lake import SmallLake
from training.model import Model

ROOT = Path(__file__).resolve().parents[1]
BY_HAND = [
    ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "docs" / "architecture.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("sql", "scale", "reliability", "runbook")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")), *sorted((ROOT / "docs" / "adr").glob("*.md")),
]  # fmt: skip
PAGES = [*BY_HAND, *sorted((ROOT / "docs").glob("*.md"))]
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
ADDED_BY_AN_EXAMPLE = {"MARKETLAKE_ECB_BASE_URL"}

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"(?:^|`|&& |\$ )make((?: [a-z][a-z-]*)+)", re.MULTILINE)
COMMAND = re.compile(r"(?:\.venv/bin/|`)marketlake ([a-z]+)(?: ([a-z]+))?")
VARIABLE = re.compile(r"MARKETLAKE_[A-Z0-9_]*[A-Z0-9]")
FILE = re.compile(r"`([a-z_/0-9]+\.py)`")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(page: Path, language: str) -> list[tuple[str, str]]:
    """The page's blocks in that language, each with the text before it."""
    text = page.read_text()
    return [
        (text[: found.start()], textwrap.dedent(found[2])) for found in FENCE.finditer(text) if found[1] == language
    ]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if "://" in target:
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (fragment and fragment not in anchors(file)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", BY_HAND, ids=name_of)
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for words in MAKE.findall(page.read_text()) for word in words.split()}
    assert named <= targets


@pytest.mark.parametrize("page", BY_HAND, ids=name_of)
def test_every_command_named_exists(page: Path) -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]  # a group's
    wrong = []
    for name, second in COMMAND.findall(page.read_text()):
        nested = getattr(commands.get(name), "commands", None)
        if name not in commands or (nested is not None and second and second not in nested):
            wrong.append(f"{name} {second}".strip())
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_variable_named_is_a_setting(page: Path) -> None:
    settings = {f"MARKETLAKE_{name.upper()}" for name in Settings.model_fields}
    assert set(VARIABLE.findall(page.read_text())) <= settings | ADDED_BY_AN_EXAMPLE


@pytest.mark.parametrize("page", BY_HAND, ids=name_of)
def test_every_python_block_compiles(page: Path) -> None:
    for _, code in blocks(page, "python"):
        compile(code, name_of(page), "exec")


@pytest.mark.parametrize("page", HOW_TO, ids=name_of)
def test_the_modules_of_a_worked_example_still_fit_the_frame(page: Path) -> None:
    for before, code in blocks(page, "python"):
        path = FILE.findall(before)[-1]
        if not code.startswith('"""') or path.startswith("serving/"):
            continue  # an entry of a file; a query of a table that exists in the example alone
        made: dict[str, object] = {"__name__": path.removesuffix(".py").replace("/", ".")}
        exec(compile(code, path, "exec"), made)
        table, model = made.get("TABLE"), made.get("MODEL")
        assert not isinstance(table, Table) or f"market/datasets/{table.name.replace('.', '/')}.py" == path
        assert not isinstance(model, Model) or f"training/models/{model.name}.py" == path


def test_the_feature_of_the_worked_example_is_one() -> None:
    entries = [code for _, code in blocks(ROOT / "docs/how-to/add-a-feature.md", "python")]
    (feature,) = eval(entries[0].strip(), {**vars(algebra), **vars(momentum)})
    assert (feature.name, feature.lookback, feature.is_recursive) == ("below_high_60", 59, False)


APPEARS = """
import json, sys
from market.features import library
library.__path__.append(sys.argv[1])
from assets.metadata import table_spec
from lake import feast_repo
from lake.delta import DeltaLake
from lake.settings import Settings
from market import registry
from market.table import Window
from serving.queries import indicators
from tests.support.small_lake import FIRST, LAST, NOW
table = registry.table("gold.features_daily")
column, delta = table.column("below_high_60"), DeltaLake(Settings(lake_url=sys.argv[2], _env_file=None))
frames = {
    read.table: registry.table(read.table).schema.empty_table() if read.role == "state" else delta.read(registry.table(read.table))
    for read in table.reads
}
prices = frames["gold.prices"]
made = table.conform(table.build(frames, Window(FIRST, LAST, NOW))).select(["security_id", "session_date", column.name])
both = made.to_pandas().merge(prices.select(["security_id", "session_date", "close", "high"]).to_pandas())
ours = both[both["security_id"] == "XKRX:005930"].sort_values("session_date")
print(json.dumps({
    "unit": column.unit, "doc": column.doc,
    "dagster": column.name in [one.name for one in table_spec(table, []).metadata["dagster/column_schema"].columns],
    "feast": column.name in [field.name for field in feast_repo.view_of(table.name).schema],
    "api": column.name in indicators.FEATURES,
    "values": [list(map(repr, ours[column.name])), list(map(repr, ours["close"] / ours["high"].rolling(60).max() - 1))],
}))
"""


def test_the_feature_of_the_worked_example_appears_everywhere_by_its_entry_alone(
    small_lake: SmallLake, tmp_path: Path
) -> None:
    (entry,) = [code for _, code in blocks(ROOT / "docs/how-to/add-a-feature.md", "python")]
    file = tmp_path / "library" / "of_the_example.py"
    file.parent.mkdir()
    file.write_text(
        "from market.features.algebra import col, max_\nfrom market.features.definition import Feature\n"
        f'_CLOSE = col("close")\nFEATURES = (\n{entry}\n)\n'
    )
    words = [sys.executable, "-c", APPEARS, str(file.parent), small_lake.settings.lake_url]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    (made, by_pandas) = found.pop("values")
    assert made == by_pandas and made.count("nan") == 59 < len(made)
    assert found == {
        "unit": "fraction", "doc": "How far the close is below the highest high of 60 sessions. = close / max(high, 60) - 1",
        "dagster": True, "feast": True, "api": True,
    }  # fmt: skip


def test_the_readme_names_the_two_commands_first() -> None:
    text = (ROOT / "README.md").read_text()
    assert MAKE.findall(text)[:2] == [" demo", " test"]


def test_every_decision_has_its_four_parts() -> None:
    for page in sorted((ROOT / "docs" / "adr").glob("*.md")):
        text = page.read_text()
        assert text.startswith(f"# {page.name[:4]} ")
        assert all(f"## {part}" in text for part in ("Context", "Decision", "Rejected", "Consequences"))


def test_no_page_of_ours_is_wider_than_a_screen() -> None:
    for page in BY_HAND:
        prose = re.sub(r"^\|.*$", "", FENCE.sub("", page.read_text()), flags=re.MULTILINE)
        assert max(map(len, prose.splitlines())) <= 180, name_of(page)


def test_what_was_measured_is_told_as_the_results_say() -> None:
    assert measured.PAGE.read_text() == measured.page(), "python -m bench.page writes it"
