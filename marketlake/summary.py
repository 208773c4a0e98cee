"""What the demo prints at its end: the release, its rows, the fate of the input, the champion, one number explained, next steps.

What does not belong here: making any of it.
"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from market.errors import Permanent
from marketlake import console
from marketlake.accounting import account
from training.scoring import contributions

if TYPE_CHECKING:
    from lake.lake import Lake
    from lake.sql import ReleaseSql

SHOWN_LINES = 24
FEATURE = "rsi_14"
WANTED = ("005930", date(2024, 5, 3))

NEXT = """Next:
  make up                        Dagster UI, API, MLflow and Data Docs; it prints the addresses
  .venv/bin/marketlake sql "SELECT symbol, close FROM gold.prices ORDER BY session_date DESC, value DESC LIMIT 5"
  .venv/bin/marketlake explain gold.features_daily {symbol} {day} {feature}
"""
LAST = "  .venv/bin/marketlake --help"


def tell(lake: "Lake") -> str:
    """Print the summary of the current release; the commands that a reader may try next."""
    from lake.sql import ReleaseSql

    release = lake.releases.current()
    if release is None:
        raise Permanent("demo", expected="a published release", found="none")
    sql = ReleaseSql(lake.settings, release)
    try:
        told = f"sessions {release.first_session} to {release.last_session}, as of {release.as_of:%Y-%m-%d %H:%M} UTC"
        console.say(f"  release {release.release_id}: {told}, {release.checks.get('checks', 0)} checks, "
                    f"{release.checks.get('warnings', 0)} warnings")  # fmt: skip
        _rows(sql)
        console.say(f"\nprice rows: {account(sql)}")
        _quarantine(sql)
        has_champion = _champion(lake)
        _predictions(sql)
        symbol, day = _explained(lake, sql)
    finally:
        sql.close()
    following = NEXT.format(symbol=symbol, day=day, feature=FEATURE)
    return following + (f"  .venv/bin/marketlake predict {symbol}\n" if has_champion else "") + LAST


def _rows(sql: "ReleaseSql") -> None:
    counts = {
        name: sql.query(f"SELECT count(*) AS n FROM {name}")["n"][0].as_py() for name in sorted(sql.release.tables)
    }
    rows = [{"table": name, "rows": n, "version": sql.release.tables[name]} for name, n in counts.items()]
    console.say()
    console.table(rows, ["table", "rows", "version"])


def _quarantine(sql: "ReleaseSql") -> None:
    held = sql.query(
        'SELECT "table", reason, count(*) AS n FROM ops.quarantine GROUP BY ALL ORDER BY n DESC'
    ).to_pylist()
    console.say(f"quarantine: {sum(row['n'] for row in held):,} rows")
    for row in held[:3]:
        console.say(f"  {row['n']:,} of {row['table']}: {row['reason'][:120]}")


def _champion(lake: "Lake") -> bool:
    """Tell each model's champion, or why there is none; True where there is one."""
    from assets.learning import tracking_uri
    from training.catalogue import declared
    from training.registry import champion

    uri = tracking_uri(lake)
    found = {name: champion(uri, name) for name in declared()}
    for name, held in found.items():
        if held is not None:
            console.say(f"\nchampion {name} version {held['version']}: {worth(held)}")
        else:
            _no_champion(uri, name)
    return any(held is not None for held in found.values())


def _no_champion(uri: str, name: str) -> None:
    from training.registry import decisions, list_models

    newest = next((int(str(one["version"])) for one in list_models(uri) if one["name"] == name), None)
    if newest is None:
        console.say(f"\nno champion of {name}: no version was trained, see above")
        return
    console.say(f"\nno champion of {name}: version {newest} did not pass its gates")
    told: list[dict[str, Any]] = decisions(uri, name, newest)
    for reason in told[-1].get("reasons", ()) if told else ():
        console.say(f"  {reason}")


def worth(held: Mapping[str, Any]) -> str:
    """What a version was judged by, in words with the standard error: the macro F1 of one that reads texts, else the rank IC."""
    metrics = held["metrics"]
    name, words = ("macro_f1", "macro F1") if "macro_f1" in metrics else ("rank_ic_mean", "rank IC")
    value, error = metrics.get(name), metrics.get(f"{name.removesuffix('_mean')}_se")
    return (
        f"{words} not measured"
        if value is None or error is None
        else f"{words} {value:.4f} (standard error {error:.4f})"
    )


def _predictions(sql: "ReleaseSql") -> None:
    rows = sql.query("""
        SELECT p.exchange, p.session_date, s.symbol, any_value(s.name) AS name, p.score, p.rank
        FROM gold.predictions p
        LEFT JOIN silver.securities s ON s.security_id = p.security_id AND s.known_until IS NULL
        WHERE p.session_date = (SELECT max(session_date) FROM gold.predictions)
        GROUP BY ALL ORDER BY p.rank DESC, p.score DESC LIMIT 5
    """).to_pylist()
    if rows:
        console.say(f"\nbest predictions of {rows[0]['session_date']}")
        console.table(rows, ["symbol", "name", "exchange", "score", "rank"])


def _explained(lake: "Lake", sql: "ReleaseSql") -> tuple[str, date]:
    """One number explained; the symbol and session of it."""
    from lake.explain import Past, explain

    found = sql.query(
        f"SELECT p.symbol, f.session_date FROM gold.features_daily f JOIN gold.prices p USING (security_id, session_date) "
        f"WHERE f.{FEATURE} IS NOT NULL ORDER BY p.symbol = ? AND f.session_date = ? DESC, p.symbol = ? DESC, "
        f"f.session_date DESC, p.symbol LIMIT 1",
        [*WANTED, WANTED[0]],
    ).to_pylist()
    if not found:
        console.say(f"\nno session is long enough after its first for {FEATURE}")
        return WANTED
    symbol, day = str(found[0]["symbol"]), found[0]["session_date"]
    lines = (
        explain(
            sql, "gold.features_daily", symbol, day, FEATURE, store=lake.store, past=Past(lake.settings, contributions)
        )
        .render()
        .splitlines()
    )
    console.say("\n" + "\n".join(lines[:SHOWN_LINES]))
    if len(lines) > SHOWN_LINES:
        console.say(f"... and {len(lines) - SHOWN_LINES} more lines")
    return symbol, day
