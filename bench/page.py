"""docs/measured.md from the newest result of each kind: `python -m bench.page`. What does not belong here: measuring."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.report import RESULTS

PAGE = RESULTS.parent.parent / "docs" / "measured.md"
HEAD = """# Measured

Written by `python -m bench.page` from the newest file of each kind in `bench/results/`, which also names versions and every single time. One machine runs
servers, load and all; numbers of one table come from one run, so that ratios say more than times. What was killed, and how often: [reliability](reliability.md).
"""
Result = dict[str, Any]


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """The page as the results say."""
    return "\n".join([HEAD, *(line for kind, section in SECTIONS.items() for line in _section(kind, section))])


def newest(kind: str) -> Result | None:
    """The newest result of that kind; None where there is none."""
    files = sorted(RESULTS.glob(f"{kind}-2*.json"))
    return dict(json.loads(files[-1].read_text())) if files else None


def _section(kind: str, lines: Callable[[Result], Iterator[str]]) -> Iterator[str]:
    found = newest(kind)
    if found is None:
        return
    machine = found["machine"]
    yield from lines(found)
    yield (
        f"\n{found['measured_at'][:10]}, commit {found['code'][:8]}{'+dirty' * found['code'].endswith('+dirty')}, {machine['cores']} cores of {machine['processor']}, "
        f"load {machine.get('load_at_end', 'unknown')} at the end.\n"
    )


def _demo(found: Result) -> Iterator[str]:
    ways = {way: found[way]["stages"] for way in ("embedded", "stack") if way in found}
    yield f"## The main job: {found['symbols']} Korean symbols, {found['sessions']} sessions, seconds\n"
    yield "`python -m bench.demo --stack`; a warm day follows in the process of the backfill, a cold one is a command of its own.\n"
    yield from _table(
        ["stage", *ways, *(["stack / embedded"] if len(ways) > 1 else [])],
        [
            [
                name,
                *(times[name] for times in ways.values()),
                *([f"{ways['stack'][name] / s:.1f}"] if len(ways) > 1 else []),
            ]
            for name, s in ways["embedded"].items()
        ],
    )
    if len(ways) > 1:
        yield f"\nBoth ended in equal digests of {len(found['stack']['digests'])} tables."


def _api(engine: str, command: str) -> Callable[[Result], Iterator[str]]:
    def lines(found: Result) -> Iterator[str]:
        yield f"## The API on {engine}: {found['connections']} connections, one process\n"
        yield f"`{command}`. *Shared*: answered from Redis, not from the process's own memory.\n"
        yield from _table(
            [
                "route, not cached",
                "answers/s",
                "p50 ms",
                "p99 ms",
                "refused (503 with Retry-After, not counted as answers)",
            ],
            [
                [name, one["per_s"], one["p50_ms"], one["p99_ms"], one["statuses"].get("503", 0)]
                for name, one in found["routes"].items()
            ],
        )
        yield ""
        kinds = ("cached", "shared", "uncached", "bare")
        yield from _table(
            ["cached route, answers/s", *kinds[:3], "bare Starlette", "cached / uncached (goal 20)", "shared / uncached (goal 20)", "cached / bare (goal 0.5)"],
            [
                [name, *(one["kinds"][kind]["per_s"] for kind in kinds), one["cached_times_uncached"],
                 one["shared_times_uncached"], one["share_of_bare_starlette"]]
                for name, one in found["cached_routes"].items()
            ],
        )  # fmt: skip
        yield ""
        yield from _table(
            ["cached route, p50 / p99 ms", *kinds[:3], "bare Starlette"],
            [
                [name, *(f"{one['kinds'][kind]['p50_ms']} / {one['kinds'][kind]['p99_ms']}" for kind in kinds)]
                for name, one in found["cached_routes"].items()
            ],
        )
        if refused := {
            name: one["statuses"]["uncached"]["503"]
            for name, one in found["cached_routes"].items()
            if "503" in one["statuses"]["uncached"]
        }:
            yield (
                "\nRefused where nothing was cached (503 with Retry-After, not counted as answers): "
                + ", ".join(f"{name} {n}" for name, n in refused.items())
                + "."
            )
        yield (
            f"\nFrom the move of the pointer, for which everything is ready, to the first answer of the new release: {found['switch_s']} s "
            "(goal 2)."
        )
        yield from _missed(found)

    return lines


def _missed(found: Result) -> Iterator[str]:
    """The goals that the numbers fall short of, and what stands in the way."""
    ones = found["cached_routes"].values()
    if any(one["shared_times_uncached"] < 20 for one in ones):
        shared, uncached = (max(1000 / one["kinds"][kind]["per_s"] for one in ones) for kind in ("shared", "uncached"))
        yield (
            f"\nMissed: *shared / uncached*. An answer from Redis takes this process up to {shared:.1f} ms (the request, a round trip, the release in the value); one "
            f"that the engine makes anew takes up to {uncached:.1f} ms, which is no twenty times as much."
        )
    if any(one["share_of_bare_starlette"] < 0.5 for one in ones):
        yield "\nMissed: *cached / bare*, where it is below 0.5: what is left over goes to the key, the limit, the current release and the numbers told to Prometheus."
    posted = next((one for name, one in found["routes"].items() if name.startswith("POST")), None)
    if posted and posted["p99_ms"] > 20:
        yield (
            f"\nMissed: *POST predict* in 20 ms at p99; {posted['p99_ms']:.0f} ms. 50 connections wait for one process, which makes {posted['per_s']} answers a second: "
            f"{1000 / posted['per_s']:.1f} ms each, so that the last of 50 waits {50_000 / posted['per_s']:.0f} ms."
        )


def _sql(found: Result) -> Iterator[str]:
    of_noise = f"{found['symbols']} symbols, {found['sessions']} sessions" if "symbols" in found else ""
    yield f"## The ten questions of [sql](sql.md), milliseconds: {of_noise or 'the main job on the local stack'}\n"
    yield f"`python -m bench.sql{'' if of_noise else ' --stack'}`\n"
    yield from _table(
        ["question", "rows", "DuckDB", "DuckDB in memory", "Trino", "Trino / DuckDB"],
        [
            [one["question"], one["rows"]["duckdb"], *(one["median_ms"][name] for name in ("duckdb", "duckdb in memory", "trino")),
             one["trino_times_duckdb"]]
            for one in found["questions"]
        ],
    )  # fmt: skip
    yield f"\nMedian of the ratios {found['median_ratio']}; one release made readable in Trino in {found['one_release_readable_s']} s."


def _online(found: Result) -> Iterator[str]:
    yield f"## Online features: {found['entities']} entities x {found['features']} features\n"
    yield "`python -m bench.online`\n"
    yield from _table(
        ["read", "p50 ms", "p99 ms"], [[n, one["p50_ms"], one["p99_ms"]] for n, one in found["reads"].items()]
    )
    yield f"\n{found['times_faster_than_feast']:.0f} times Feast's SDK (goal {found['goal']}); values {found['values']}."


def _spark(found: Result) -> Iterator[str]:
    ways = found["median_s"]
    yield "## Spark here and on two workers: `gold.features_daily`, seconds\n"
    yield "`python -m bench.spark`; equal digests whatever the way.\n"
    stages = list(next(iter(ways.values())))
    yield from _table(["way", *stages], [[way, *(times[stage] for stage in stages)] for way, times in ways.items()])


def _features(found: Result) -> Iterator[str]:
    yield f"## The feature engine: {found['symbols']} securities, {found['sessions']} sessions\n"
    yield (
        "`python -m bench.features`; from a Parquet file to values, medians; ours are warm calls. Qlib's operators run in memory, without its files and "
        "disk caches, each distinct expression of a symbol once; each time in a new process, its start not counted, its reading of the expressions "
        "for each symbol counted. Ratio: CPU seconds against Qlib; against TA-Lib, which has one thread, seconds of the faster of our two ways. A ratio below 1 "
        "means that ours is slower. *As used*: `D.features` over Qlib's own store, without caches, on a process for each core; its ratio is of seconds against ours on all threads. "
        "Differences are relative above 1 and absolute below; Qlib's infinities count as missing.\n"
    )
    names = {"ours": "ours", "ours_all_threads": "ours, all threads", "peer": "peer", "peer_as_used": "Qlib as used"}
    yield from _table(
        ["what", *(f"{said}, s / CPU s" for said in names.values()), "ratio", "as used", "goal", "values"],
        [
            [
                one["what"],
                *(f"{one[name]['seconds']:.3g} / {one[name]['cpu_s']:.3g}" if name in one else "" for name in names),
                one["ratio"], one.get("ratio_as_used", ""), one["goal"], one["difference"],
            ]
            for one in found["rows"]
        ],
    )  # fmt: skip
    for one in found["rows"]:
        if one["ratio"] < one["goal"]:
            ours = min(one[name]["seconds"] for name in ("ours", "ours_all_threads"))
            ns = {
                name: 1e9 * seconds / found["symbols"] / found["sessions"]
                for name, seconds in (("ours", ours), ("peer", one["peer"]["seconds"]))
            }
            why = next(said for name, said in _WHY.items() if name in one["what"])
            yield f"\nMissed: *{one['what']}*, {one['ratio']} times for {one['goal']}: {ns['ours']:.0f} ns a row against {ns['peer']:.0f}. {why}"
    start = found["start"]
    yield (
        f"\nA process that computes Alpha158 of 99 rows: {start['cold_s']} s where nothing was compiled before, {start['kept_s']} s with what numba kept."
    )


_WHY = {
    "Qlib": "Each operator is a pass of numpy or of a kernel over 65,536 rows, which stay in the second-level cache; the passes of one formula are not fused into one, since a kernel for "
    "each set of formulas would be compiled at the first call. A window is not carried along from row to row but made anew of halves, some log2(n) vector operations a row.",
    "TA-Lib": "TA-Lib carries its sums from row to row, in C; ours makes each window anew, so that digits stay where prices are large and a row has the bits of any cut of its history.",
}
"""What stands between the engine and its goals."""


def _windowed(found: Result) -> Iterator[str]:
    yield f"## A windowed job, from Parquet to Parquet: {found['rows']:,} rows of {found['symbols']:,} securities\n"
    yield (
        "`python -m bench.windowed`; ten columns of returns, rolling means, deviations and extremes, written as float64. Each side in a process of its own, all cores; the CPU "
        "seconds are those of the process and what it started. Ours goes through the file a hundred securities at a time. Ratio: CPU seconds against ours, warm.\n"
    )
    yield from _table(
        ["side", "cold, s / CPU s", "warm, s / CPU s", "most memory, MB", "times our CPU", "times our seconds", "goal", "values"],
        [
            [
                name, *(f"{one[at]['seconds']} / {one[at]['cpu_s']}" for at in ("cold", "warm")), f"{one['most_mb']:,}",
                one.get("cpu_ratio", ""), one.get("ratio", ""), one.get("goal") or "", one.get("values", ""),
            ]
            for name, one in found["sides"].items()
        ],
    )  # fmt: skip
    missed = [
        f"{name} {one['cpu_ratio']} for {one['goal']}"
        for name, one in found["sides"].items()
        if one.get("goal") and one["cpu_ratio"] < one["goal"]
    ]
    if missed:
        yield (
            f"\nMissed, in CPU seconds: {', '.join(missed)}. Where the same columns are read and as many written and nothing is computed, ours takes {found['parquet_cpu_s']} CPU s "
            "for Parquet alone, which every side has to read and write."
        )


def _truth(found: Result) -> Iterator[str]:
    yield (
        f"## The synthetic world's truth, every fault on: {found['symbols']} Korean and {found['us_symbols']} US symbols, {found['sessions']} sessions\n"
    )
    yield (
        f"`python -m bench.truth --world {found['world']} --symbols {found['symbols']} --us-symbols {found['us_symbols']} --sessions {found['sessions']}`: KRX, OpenDART, Yahoo and SEC asked with all faults on, and again for what failed. Wrong is what "
        f"either side has alone. {found['days_that_failed_first']} askings failed first. The world has no code that a second company was given.\n"
    )
    yield from _table(
        ["what", "truth", "found", "wrong"],
        [[name, *(f"{one[n]:,}" for n in ("expected", "found", "wrong"))] for name, one in found["counts"].items()],
    )


def _silver(found: Result) -> Iterator[str]:
    yield f"## Silver: {found['symbols']} securities, {found['sessions']} sessions\n"
    yield "`python -m bench.silver`; medians of several rounds, the ways in turns. A read opens the release's Delta files anew each time.\n"
    yield from _table(
        ["what", "ours", "the other way", "ratio", "goal"],
        [[one["what"], one["ours"], one["other"], one["ratio"], one["goal"]] for one in found["rows"]],
    )


def _stories(found: Result) -> Iterator[str]:
    yield "## Headlines to stories: exact and near duplicates\n"
    yield "`python -m bench.stories`; goal: 100,000 headlines in 60 s on two cores. It holds because a headline is compared within its security and day"
    yield f"alone ([ADR 0014](adr/0014-stories-within-a-session.md)): time grows with the square of a group{_one_group(found)}.\n"
    yield from _table(
        ["headlines", "a day of a security", "seconds", "first", "same title", "near"],
        [[f"{one['headlines']:,}", one["a_day"], one["seconds"], *one["links"].values()] for one in found["speed"]],
    )
    truth = found["truth"]
    yield (
        f"\nAgainst the truth of {found['world']}: of {truth['pairs_of_the_truth']:,} pairs of one story {truth['recall']:.2%} found, of those found "
        f"{truth['precision']:.2%} right."
    )


def _files(found: Result) -> Iterator[str]:
    yield f"## A table of {found['days']} days, {found['commits']:,} commits: its files gathered or not, milliseconds\n"
    yield "`python -m bench.files` ([ADR 0027](adr/0027-files-are-gathered-before-a-commit.md)); of a day some 180 such reads are made.\n"
    yield from _table(
        ["files", "how many", "a day's rows", "all rows", "a commit"],
        [[way, *(one[name] for name in ("files", "day_ms", "all_ms", "commit_ms"))] for way, one in found["ways"].items()],
    )  # fmt: skip


def _day(found: Result) -> Iterator[str]:
    yield f"## A whole day of {found['symbols']:,} securities, from silver to the online store, seconds\n"
    yield "`python -m bench.day`; in a cold process, on lakes of as many years (goal: 60 s, the same at every length within 10 %).\n"
    steps = list(found["rows"][0]["steps"])
    yield from _table(
        ["years", "seconds", "rounds", "Python MB", "JVM and workers MB", *steps],
        [
            [one["years"], one["seconds"], ", ".join(map(str, one["rounds"])), one["python_mb"], one["others_mb"],
             *(one["steps"][name] for name in steps)]
            for one in found["rows"]
        ],
    )  # fmt: skip
    yield f"\nLongest over shortest: {found['longest_over_shortest']}."


def _one_group(found: Result) -> str:
    """What the largest group cost, and what the goal's number in one group would."""
    one = max(found["speed"], key=lambda one: int(one["a_day"]))
    ten = one["seconds"] * (100_000 / one["a_day"]) ** 2
    return f", {one['a_day']:,} in one took {one['seconds']} s, and by that 100,000 in one would take {ten:,.0f} s"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(f'{value}' for value in row)} |"


def _sequences(found: Result) -> Iterator[str]:
    yield f"## The LSTM: {found['securities']} securities x {found['sessions']} sessions x {found['features']} features\n"
    yield "`python -m bench.sequences`; equal bits from one process and from two ranks. The loader's windows are cut out beforehand, on as many threads as torch likes.\n"
    yield from _table(
        ["way", "epochs a minute", "an epoch, s", "all of it, s", "largest process, MB"],
        [
            [way, *(round(one[name], 1) for name in ("epochs_per_minute", "epoch_s", "whole_s", "largest_process_mb"))]
            for way, one in found["ways"].items()
        ],
    )


def _sentiment(found: Result) -> Iterator[str]:
    yield f"## Headlines through a BERT of base shape: {found['texts']} texts, {found['threads']} thread(s)\n"
    yield "`python -m bench.sentiment`; ours in int8, each text once, against a padded float32 loop; drawn weights, where labels are the closest to each other.\n"
    yield from _table(
        ["texts", "different", "ours, s", "loop, s", "times", "labels equal"],
        [
            [name, one["different"], one["ours_s"], one["loop_s"], one["ratio"], f"{one['equal_labels']:.1%}"]
            for name, one in ((name, found[name]) for name in ("unique", "with_duplicates"))
        ],
    )


SECTIONS = {
    "demo": _demo,
    "spark": _spark,
    "sql": _sql,
    "api": _api("DuckDB", "python -m bench.api"),
    "api-trino": _api("Trino", "python -m bench.api --trino"),
    "online": _online,
    "features": _features,
    "windowed": _windowed,
    "day": _day,
    "files": _files,
    "silver": _silver,
    "stories": _stories,
    "truth": _truth,
    "sequences": _sequences,
    "sentiment": _sentiment,
}

if __name__ == "__main__":
    main()
