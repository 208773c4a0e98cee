"""Data Docs: pages that need no network, one per table, the last judgement of each."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from expectations import reconcile
from expectations.docs import write_docs
from expectations.judge import judge
from market.table import Table

Bars = Callable[..., pa.Table]
AT = datetime(2024, 5, 7, 9, tzinfo=UTC)


def test_the_site_shows_what_broke_and_where(contract: Table, make_bars: Bars, tmp_path: Path) -> None:
    verdict = judge(contract, make_bars(4, low=[-1.0, 101.0, 102.0, 103.0]))
    index = write_docs([verdict], tmp_path / "data_docs", judged_at=AT)
    text = index.read_text("utf-8")
    assert "silver.bars" in text
    assert "blocked" in text
    assert "low_between" in text
    assert "2024-05-07T09:00:00+00:00" in text
    page = (index.parent / "tables" / "silver.bars.html").read_text("utf-8")
    assert "low at least 0.01 currency" in page
    assert "XKRX:000000 2024-05-03" in page
    assert 'href="../index.html"' in page


def test_nothing_on_the_site_comes_from_elsewhere(contract: Table, make_bars: Bars, tmp_path: Path) -> None:
    said = reconcile.same_keys(make_bars(3), make_bars(4), "gold.bars", "silver.bars")
    write_docs([judge(contract, make_bars(2)), said], tmp_path, judged_at=AT)
    pages = sorted(tmp_path.rglob("*.html"))
    assert [p.name for p in pages] == ["index.html", "gold.bars-reconciled.html", "silver.bars.html"]
    for page in pages:
        assert re.findall(r"https?://", page.read_text("utf-8")) == []


def test_every_link_of_the_index_leads_to_a_page(contract: Table, make_bars: Bars, tmp_path: Path) -> None:
    said = reconcile.same_keys(make_bars(3), make_bars(3), "gold.bars", "silver.bars")
    index = write_docs([judge(contract, make_bars(2)), said], tmp_path, judged_at=AT)
    links = re.findall(r'href="([^"]+)"', index.read_text("utf-8"))
    assert sorted(links) == ["tables/gold.bars-reconciled.html", "tables/silver.bars.html"]
    assert all((tmp_path / link).is_file() for link in links)


def test_a_later_judgement_replaces_its_own_page_alone(contract: Table, make_bars: Bars, tmp_path: Path) -> None:
    said = reconcile.same_keys(make_bars(3), make_bars(4), "gold.bars", "silver.bars")
    write_docs([judge(contract, make_bars(2, volume=[-1, -1])), said], tmp_path, judged_at=AT)
    write_docs([judge(contract, make_bars(2))], tmp_path, judged_at=AT)
    kept = {p.stem: json.loads(p.read_text("utf-8")) for p in (tmp_path / "judgements").glob("*.json")}
    assert sorted(kept) == ["gold.bars-reconciled", "silver.bars"]
    assert all(o["passed"] for o in kept["silver.bars"]["outcomes"])
    assert not all(o["passed"] for o in kept["gold.bars-reconciled"]["outcomes"])
    assert not list(tmp_path.rglob("*.unfinished"))


def test_rows_within_the_limit_leave_the_page_succeeded(contract: Table, make_bars: Bars, tmp_path: Path) -> None:
    verdict = judge(contract, make_bars(100, volume=[-1] + [10] * 99))
    write_docs([verdict], tmp_path, judged_at=AT)
    page = (tmp_path / "tables" / "silver.bars.html").read_text("utf-8")
    assert "Succeeded" in page
    assert "XKRX:000000 2024-05-03" in page


def test_a_reconciliation_that_judged_nothing_has_a_page(tmp_path: Path) -> None:
    said = reconcile.value_within_range(pa.table({"low": [1.0]}), price_basis="adjusted")
    index = write_docs([said], tmp_path, judged_at=AT)
    assert "gold.prices, reconciled" in index.read_text("utf-8")
