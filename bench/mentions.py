"""100 recorded headlines to be read by hand, one for each of 100 names: `python -m bench.mentions`.

What it prints is the same each time: a fixed seed draws from the recorded titles that name a security without being open. A person
reads whether the title means that company, and writes the count into docs/identity.md. What does not belong here: judging.
"""

import argparse
import random
from pathlib import Path

import pandas as pd

from lake.settings import ROOT
from market import identity, mentions

SHARED = ROOT.parent / "shared" / "data"
YEARS = (2021, 2022, 2023)
SEED, N = 20220601, 100


def main() -> None:
    """Print the draw."""
    words = argparse.ArgumentParser(description="Headlines to be read by hand: who is named, and what stands there.")
    words.add_argument("--seed", type=int, default=SEED)
    asked = words.parse_args()
    for number, (name, security, day, title) in enumerate(drawn(asked.seed), 1):
        print(f"{number:>3}  {day}  {name} = {security}  {title}")


def drawn(seed: int = SEED) -> list[tuple[str, str, str, str]]:
    """(name, security, day, title) of so many headlines: the names are drawn first, then a title of each."""
    titles = _titles(SHARED)
    links = mentions.links(titles, market_names(SHARED))
    sure = links[links["mention"] == mentions.TITLE].join(titles, on="headline")
    rng = random.Random(seed)
    by_name = dict(list(sure.sort_values(["name", "published_at", "title"]).groupby("name")))
    found = []
    for name in sorted(rng.sample(sorted(by_name), min(N, len(by_name)))):
        row = by_name[name].iloc[rng.randrange(len(by_name[name]))]
        found.append((name, row["security_id"], f"{row['published_at']:%Y-%m-%d}", row["title"]))
    return found


def market_names(shared: Path) -> mentions.Dictionary:
    """Names of the whole market in the winters of 2021 to 2023, each from the first session that showed it."""
    files = [shared / "krx_marcap_windows" / f"marcap-{year}.csv.gz" for year in YEARS]
    rows = pd.concat([pd.read_csv(file, dtype=str, usecols=["Code", "Name", "Date"]) for file in files])
    rows = rows.drop_duplicates(["Code", "Name"]).sort_values(["Code", "Date"]).rename(columns={"Name": "name"})
    rows["known_at"] = pd.to_datetime(rows["Date"], utc=True)
    rows["known_until"] = rows.groupby("Code")["known_at"].shift(-1)
    return mentions.Dictionary(rows.assign(security_id=identity.security_id("XKRX", rows["Code"]), corp_name=None))


def _titles(shared: Path) -> pd.DataFrame:
    """Every recorded title since March 2021, once: `title`, `summary` (none), `published_at` (noon of its day)."""
    files = sorted((shared / "kr_sentiment").glob("snu_*_raw_naver*.csv"))
    rows = pd.concat([pd.read_csv(file, dtype=str)[["title", "date"]].dropna() for file in files])
    days = pd.to_datetime(rows["date"].str.strip(".").str.replace(".", "-"), utc=True)
    rows = rows.assign(published_at=days + pd.Timedelta(hours=3), summary=None).drop(columns="date")
    return rows[rows["published_at"] >= "2021-03-01"].drop_duplicates("title").reset_index(drop=True)


if __name__ == "__main__":
    main()
