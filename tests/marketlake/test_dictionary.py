"""The generated reference pages: complete, the same each time, and the committed ones are what the code gives."""

from pathlib import Path

import pytest

from lake.settings import Settings
from market import registry, rulebook
from market.features import candles, indicators
from market.features.catalogue import catalogue
from market.table import Column
from marketlake import dictionary, sheets
from marketlake.markdown import grid

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return dictionary.pages()


@pytest.mark.parametrize(
    "name", ["tables.md", "features.md", "operators.md", "indicators.md", "rulebook.md", "settings.md", "commands.md"]
)
def test_the_committed_page_is_what_the_code_gives(pages: dict[str, str], name: str) -> None:
    assert (DOCS / name).read_text() == pages[name], f"docs/{name} is stale: run `make docs` and review the diff"


def test_the_committed_pictures_are_those_that_the_code_draws_and_no_others(pages: dict[str, str]) -> None:
    drawn = {name.partition("/")[2]: text for name, text in pages.items() if name.startswith("pictures/")}
    committed = {path.name: path.read_text() for path in (DOCS / "pictures").iterdir()}
    assert set(committed) == set(drawn), "run `make docs`"
    stale = [name for name, text in drawn.items() if committed[name] != text]
    assert not stale, "run `make docs` and look at them"


def test_every_picture_stands_in_the_section_of_its_group_before_its_entries(pages: dict[str, str]) -> None:
    for home in (indicators, candles):
        for group in sheets.groups(home):
            _, picture, after = pages["indicators.md"].partition(f"](pictures/{group.sheet})\n")
            section = after.split("\n#")[0]
            assert picture, group.sheet
            assert all(f"| `{feature.name}` | {feature.doc}" in section for feature in group.features)


def test_the_same_code_gives_the_same_pages(pages: dict[str, str]) -> None:
    assert dictionary.pages() == pages


def test_every_table_and_every_column_is_in_the_dictionary(pages: dict[str, str]) -> None:
    for table in registry.tables().values():
        section = pages["tables.md"].split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        assert f"- known_at: {table.known_at}" in section
        assert all(f"| {column.name} | {column.type} |" in section for column in table.columns)
        assert all(f"[{read.table}]" in section for read in table.reads)
        assert "\n- source: " in section
    assert "\n- source: `krx`, `yahoo`\n" in pages["tables.md"].split("\n## silver.prices\n")[1].split("\n## ")[0]
    assert "\n- source: the pipeline itself\n" in pages["tables.md"].split("\n## ops.requests\n")[1].split("\n## ")[0]


def test_every_feature_is_there_with_its_formula_and_source(pages: dict[str, str]) -> None:
    for feature in catalogue().values():
        section = pages["features.md"].split(f"\n## {feature.name}\n")[1].split("\n## ")[0]
        assert feature.formula in section and feature.source in section and feature.unit in section


def test_every_line_of_the_rulebook_is_there_and_what_is_not_verified_says_so(pages: dict[str, str]) -> None:
    page = pages["rulebook.md"]
    assert rulebook.version() in page
    for name in rulebook.RULES:
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        rows = [
            row.split(" | ") for row in section.splitlines() if row.startswith("| ") and not row.startswith("| market")
        ]
        lines = [line for line in rulebook.LINES if line.rule == name]
        assert [row[1] for row in rows] == [str(line.valid_from) for line in lines]
        assert [row[3] for row in rows] == ["yes" if line.verified else "**unverified**" for line in lines]
        assert all(line.source in section for line in lines)


def test_every_setting_is_there_and_secrets_are_marked(pages: dict[str, str]) -> None:
    lines = {line.split("`")[1]: line for line in pages["settings.md"].splitlines() if line.startswith("| `")}
    assert set(lines) == {f"MARKETLAKE_{name.upper()}" for name in Settings.model_fields}
    assert "(secret)" in lines["MARKETLAKE_KRX_API_KEY"] and "(secret)" not in lines["MARKETLAKE_LAKE_URL"]


def test_every_command_is_there_down_to_the_last_subcommand(pages: dict[str, str]) -> None:
    headings = {line.removeprefix("## ") for line in pages["commands.md"].splitlines() if line.startswith("## ")}
    assert {"marketlake demo", "marketlake release rollback", "marketlake exchange convert"} <= headings


def test_the_environment_does_not_change_a_page(pages: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETLAKE_LAKE_URL", "s3://elsewhere/lake")
    monkeypatch.setenv("COLUMNS", "40")
    assert dictionary.pages() == pages


def test_writing_again_changes_no_file(tmp_path: Path) -> None:
    written = {path.relative_to(tmp_path).as_posix() for path in dictionary.write(tmp_path)}
    assert written == set(dictionary.pages())
    assert dictionary.write(tmp_path) == []


def test_the_picture_of_a_group_that_is_gone_is_removed(tmp_path: Path) -> None:
    gone = tmp_path / "pictures" / "indicators_gone.svg"
    gone.parent.mkdir()
    gone.write_text("<svg/>")
    assert gone in dictionary.write(tmp_path)
    assert not gone.exists()


def test_text_stays_inside_its_cell() -> None:
    assert grid(("rule",), [["a|b\nc"]]) == ["| rule |", "|---|", "| a\\|b c |"]


def test_marks_say_what_a_column_is_for() -> None:
    assert dictionary._meaning(Column("run_id", "string", "run", volatile=True)) == "run (volatile)"
    assert dictionary._meaning(Column("state", "string", "state", internal=True)) == "state (internal)"
