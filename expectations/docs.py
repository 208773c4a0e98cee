"""Data Docs: the last judgement of every table as pages of Great Expectations, behind one index page of ours.

The pages need no network. A judgement is kept as JSON beside them, so each writing renews its own tables and keeps the others'.
What does not belong here: judging.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from expectations import engine, site
from expectations.outcomes import Outcome, Verdict

JUDGEMENTS, TABLES = "judgements", "tables"


def write_docs(judged: Iterable[Verdict | Outcome], folder: Path, *, judged_at: datetime | None = None) -> Path:
    """The index page of the site in that folder, after renewing the pages of what was judged.

    Parameters
    ----------
    judged : verdicts on frames, and outcomes of reconciliation, which get a page per table: 'gold.prices, reconciled'.
    folder : made where it is missing; `index.html` in it can be opened from disk or served.
    judged_at : instant of the judgement, UTC; now unless given.
    """
    instant = (judged_at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
    for name in (JUDGEMENTS, TABLES):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for title, outcomes, results in _pages(judged):
        known = {"title": title, "judged_at": instant, "page": f"{TABLES}/{_file(title)}.html"}
        _write(folder / known["page"], _page(title, results))
        _write(folder / JUDGEMENTS / f"{_file(title)}.json", json.dumps(known | {"outcomes": outcomes}, indent=1))
    kept = [json.loads(path.read_text("utf-8")) for path in sorted((folder / JUDGEMENTS).glob("*.json"))]
    _write(folder / "index.html", site.index(kept))
    return folder / "index.html"


def _pages(judged: Iterable[Verdict | Outcome]) -> Iterable[tuple[str, list[dict[str, Any]], list[Any]]]:
    """Title, outcomes and results of each page."""
    reconciled: dict[str, list[Outcome]] = {}
    for one in judged:
        if isinstance(one, Outcome):
            reconciled.setdefault(one.table, []).append(one)
        else:
            yield one.outcomes[0].table, [_plain(o) for o in one.outcomes], list(one.evidence.results)
    for table, outcomes in reconciled.items():
        results = [o.evidence for o in outcomes if o.evidence is not None]
        yield f"{table}, reconciled", [_plain(o) for o in outcomes], results


def _plain(outcome: Outcome) -> dict[str, Any]:
    values = asdict(Outcome(**{**outcome.__dict__, "evidence": None}))
    return {name: value for name, value in values.items() if name != "evidence"}


def _page(title: str, results: list[Any]) -> str:
    """The library's page about those results, made to work without a network."""
    passed = [one for one in results if one.success]
    whole = engine.part("core").ExpectationSuiteValidationResult(
        success=len(passed) == len(results),
        results=results,
        suite_name=title,
        statistics=_statistics(len(results), len(passed)),
        meta={"great_expectations_version": engine.great_expectations().__version__, "run_id": None},
    )
    renderer = engine.part("render.renderer").ValidationResultsPageRenderer(data_context=engine.context())
    return site.offline(_view().render(renderer.render(whole), show_how_to_buttons=False), title)


@lru_cache(maxsize=1)
def _view() -> Any:
    """The library's page, once: each new one compiles some twenty templates anew, which takes longer than the page."""
    return engine.part("render.view").DefaultJinjaPageView()


def _statistics(n: int, n_passed: int) -> Mapping[str, float | int | None]:
    return {
        "evaluated_expectations": n,
        "successful_expectations": n_passed,
        "unsuccessful_expectations": n - n_passed,
        "success_percent": 100.0 * n_passed / n if n else None,
    }


def _file(title: str) -> str:
    return title.replace(", ", "-")


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a page."""
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(path)
