"""How fast headlines become stories, and how well against the synthetic world's truth: `python -m bench.stories`.

Speed is of market.stories alone, on headlines drawn from syllables: days of a usual size, and one day of one security as large as
can be thought of. Prints tables and writes bench/results/. Not a test: it never fails on a time.
"""

import argparse
import json
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from bench import report
from exchange.model import World
from exchange.worlds import open_world
from lake.clients.daum import HOSTS
from market import stories
from market.sources import news_window

PACKAGES = ("numba", "numpy", "pandas")
BEGIN = pd.Timestamp("2024-05-03", tz="UTC")
COPIES = 0.3
"""Share of the drawn headlines that are an earlier one again, half of them with another ending."""


def main() -> None:
    """Measure, compare with the truth, write."""
    words = argparse.ArgumentParser(description="Headlines to stories: seconds, recall and precision.")
    words.add_argument("--headlines", type=int, default=100_000)
    words.add_argument("--world", default="synthetic:7")
    asked = words.parse_args()
    stories.stories(drawn(100, 10), ["day"])  # compiles
    speed = [timed(asked.headlines, size) for size in (20, 300)] + [timed(10_000, 10_000)]
    truth = against_truth(open_world(asked.world))
    print(json.dumps(truth, indent=1))
    report.write("stories", PACKAGES, {"speed": speed, "world": asked.world, "truth": truth})


def timed(n: int, size: int) -> dict[str, Any]:
    """Seconds for so many headlines in days of that size."""
    rows = drawn(n, size)
    began = perf_counter()
    found = stories.stories(rows, ["day"])
    seconds = perf_counter() - began
    linked = {link: int(count) for link, count in found["link"].value_counts().items()}
    print(f"{n:>8,} headlines, {size:>6,} a day: {seconds:6.2f} s  {linked}")
    return {"headlines": n, "a_day": size, "seconds": round(seconds, 2), "links": linked}


def drawn(n: int, size: int) -> pd.DataFrame:
    """Headlines of some twenty syllables, with copies, in days of that size."""
    rng = np.random.default_rng(7)
    syllables = np.array([chr(code) for code in rng.choice(np.arange(0xAC00, 0xD7A4), 400, replace=False)])
    titles: list[str] = []
    for i in range(n):
        first = i - i % size
        if i > first and rng.random() < COPIES:
            copied = titles[int(rng.integers(first, i))]
            titles.append(copied if rng.random() < 0.5 else f"{copied}{''.join(rng.choice(syllables, 3))}")
        else:
            titles.append(" ".join("".join(rng.choice(syllables, 3)) for _ in range(int(rng.integers(4, 9)))))
    at = BEGIN + pd.to_timedelta(np.arange(n), unit="s")
    return pd.DataFrame(
        {"day": np.arange(n) // size, "title": titles, "url": [f"https://p/{i}" for i in range(n)], "known_at": at}
    )


def against_truth(world: World) -> dict[str, Any]:
    """Pairs of headlines in one story: of the truth, found, and both, by security and session as the lake sees them.

    Copies that came after the close of their story's session belong to the next one, and are no pair here.
    """
    rows = shown(world)
    of_truth = {url: str(n) for n, urls in enumerate(world.truth["news"]["stories"]) for url in urls}
    found = rows.assign(
        truth=[of_truth.get(url, url) for url in rows["url"]],
        story=stories.stories(rows, ["code", "day"])["first_url"],
    )
    true, told = pairs(found, ["day", "truth"]), pairs(found, ["story"])
    both = pairs(found, ["day", "truth", "story"])
    return {
        "headlines": len(found), "stories_of_the_truth": int(found.groupby(["day", "truth"]).ngroups),
        "stories_found": int(found["story"].nunique()), "pairs_of_the_truth": true, "pairs_found": told, "pairs_of_both": both,
        "recall": round(both / true, 4), "precision": round(both / told, 4),
    }  # fmt: skip


def pairs(rows: pd.DataFrame, by: Sequence[str]) -> int:
    """Pairs of rows that agree in the columns."""
    sizes = rows.groupby(list(by)).size()
    return int((sizes * (sizes - 1) // 2).sum())


def shown(world: World) -> pd.DataFrame:
    """Everything that the searches of a world show as news, with the number of the session whose window holds it."""
    pages = world.web.items if world.web else ()
    news = [*(world.news.items if world.news else ()), *(p for p in pages if p.original_url.split("/")[2] in HOSTS)]
    ends = pd.DatetimeIndex([news_window("XKRX", day)[1] for day in world.daily.sessions])
    rows = pd.DataFrame(
        {
            "code": [item.code for item in news], "url": [item.original_url for item in news],
            "title": [item.title for item in news],
            "known_at": pd.to_datetime([item.published_at for item in news], unit="s", utc=True),
        }
    )  # fmt: skip
    day = ends.searchsorted(rows["known_at"])
    return rows.assign(day=day)[day < len(ends)].reset_index(drop=True)


if __name__ == "__main__":
    main()
