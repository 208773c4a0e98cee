"""The generated world: same seed, same bytes; prices obey the exchange's rules; truth is what is served; the signal is there."""

import time
from datetime import date

import httpx
import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from exchange import rules
from exchange.keys import DEFAULT_KEYS
from exchange.model import MARKETS
from exchange.server import serve
from exchange.synthetic import build as building
from exchange.worlds import open_world
from market import calendars
from market.errors import Permanent

PATHS = (
    "/krx/svc/apis/sto/stk_bydd_trd?basDd=20240503",
    "/krx/svc/apis/sto/ksq_bydd_trd?basDd=20240521",
    "/krx/svc/apis/sto/ksq_isu_base_info?basDd=20240503",
    "/yahoo/v8/finance/chart/NVDA?range=max&events=div,splits",
    f"/dart/api/list.json?crtfc_key={DEFAULT_KEYS['DART_API_KEY']}&bgn_de=20240502&end_de=20240628&page_count=100",
    f"/dart/api/corpCode.xml?crtfc_key={DEFAULT_KEYS['DART_API_KEY']}",
    "/naver/v1/search/news.json?query=삼성전자&display=100&sort=date",
    "/naver/v1/search/news.json?query=실적",
    "/sec/submissions/CIK0001318605.json",
    "/sec/api/xbrl/companyfacts/CIK0001318605.json",
    "/kakao/v2/search/web?query=삼성전자&size=50&sort=recency",
)
HEADERS = {
    "User-Agent": "Jane Doe jane@example.com",
    "AUTH_KEY": DEFAULT_KEYS["KRX_API_KEY"],
    "Authorization": f"KakaoAK {DEFAULT_KEYS['KAKAO_API_KEY']}",
    "X-Naver-Client-Id": DEFAULT_KEYS["NAVER_CLIENT_ID"],
    "X-Naver-Client-Secret": DEFAULT_KEYS["NAVER_CLIENT_SECRET"],
}


@pytest.fixture(scope="module")
def world():
    return open_world("synthetic:7")


def bodies(seed: int) -> list[bytes]:
    building.build.cache_clear()
    with serve(f"synthetic:{seed}", symbols=30, sessions=60) as running:
        return [httpx.get(running.url + path, headers=HEADERS).content for path in PATHS]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    first, again, other = bodies(7), bodies(7), bodies(8)
    assert first == again
    assert all(a != b for i, (a, b) in enumerate(zip(first, other, strict=True)) if i not in (2, 5))


def test_the_default_world_is_as_promised(world):
    daily = world.daily
    assert (len(daily.codes), len(world.charts), len(daily.sessions)) == (200, 30, 500)
    assert daily.sessions == tuple(calendars.sessions("XKRX", daily.sessions[0], date(2024, 6, 28)))
    assert date(2024, 5, 3) in daily.sessions
    known = {"005930", "000660", "035420", "035720", "005380", "005935", "051910", "0037T0"}
    assert known <= set(daily.codes[:10])
    assert set(np.unique(daily.market)) == {0, 1, 2}
    assert len(set(daily.codes)) == 200


def test_it_is_generated_in_seconds():
    calendars.sessions("XNYS", date(2024, 1, 2), date(2024, 1, 5))
    building.build.cache_clear()
    begun = time.process_time()
    open_world("synthetic:7")
    assert time.process_time() - begun < 8, "of one processor, however busy; between three and four on one that is not"


def test_a_small_world_shows_the_numbers_of_the_large_one(world):
    small = open_world("synthetic:7", symbols=10, us_symbols=2, sessions=30)
    assert small.daily.codes == world.daily.codes[:10]
    assert small.daily.sessions == world.daily.sessions[-30:]
    day = small.daily.sessions[3]
    for market in MARKETS:
        ours, whole = small.daily.rows_on(day, market), world.daily.rows_on(day, market)
        whole = whole[world.daily.code[whole] < 10]
        assert (small.daily.numbers["close"][ours] == world.daily.numbers["close"][whole]).all()
    assert (
        small.charts["MSFT"].prices["close"] == world.charts["MSFT"].prices["close"][-len(small.us_sessions) :]
    ).all()


@pytest.mark.slow  # thousands of names are made
def test_a_larger_world_than_the_default_can_be_had():
    large = open_world("synthetic:3", symbols=350, sessions=520)
    assert (len(large.daily.codes), len(large.daily.sessions)) == (350, 520)


def test_bars_hang_together(world):
    n = world.daily.numbers
    traded = n["volume"] > 0
    assert (n["low"] <= np.minimum(n["open"], n["close"]))[traded].all()
    assert (n["high"] >= np.maximum(n["open"], n["close"]))[traded].all()
    assert (n["value"] >= n["low"] * n["volume"])[traded].all() and (n["value"] <= n["high"] * n["volume"])[
        traded
    ].all()
    assert (n["market_cap"] == n["close"] * n["listed_shares"]).all()
    assert all((n[name][~traded] == 0).all() for name in ("open", "high", "low", "value", "change"))
    assert (n["close"] > 0).all()


def test_prices_are_on_the_tick_grid_of_their_day_and_within_its_limits(world):
    daily, n, free = world.daily, world.daily.numbers, _unlimited(world)
    for i, day in enumerate(daily.sessions):
        rows = np.arange(daily.offsets[i], daily.offsets[i + 1])
        rows = rows[n["volume"][rows] > 0]
        is_kospi = daily.market[rows] == 0
        low, high = rules.price_limits((n["close"] - n["change"])[rows], day, is_kospi)
        is_free = np.array([(daily.codes[c], day.isoformat()) in free for c in daily.code[rows].tolist()])
        assert ((n["low"][rows] >= low) & (n["high"][rows] <= high) | is_free).all(), day
        for name in ("open", "high", "low", "close"):
            price = n[name][rows]
            assert ((price % rules.tick_size(price, day, is_kospi) == 0) | is_free).all(), (day, name)


def test_limits_are_truncated_as_the_exchange_does():
    low, high = rules.price_limits(np.array([9_980]), date(2024, 5, 3), np.array([True]))
    assert (low[0], high[0]) == (6_990, 12_970)


def test_the_base_price_moves_on_actions_alone(world):
    """Where a base differs from the close before, the truth knows an action, and the other way round."""
    daily, n = world.daily, world.daily.numbers
    previous: dict[int, int] = {}
    moved = set()
    for i, day in enumerate(daily.sessions):
        for row in range(daily.offsets[i], daily.offsets[i + 1]):
            code, base = int(daily.code[row]), int(n["close"][row] - n["change"][row])
            if code in previous and base != previous[code]:
                moved.add((daily.codes[code], day.isoformat()))
            previous[code] = int(n["close"][row])
    krx = world.truth["krx"]
    kinds = ("splits", "capital_reductions", "bonus_issues", "rights_issues", "stock_dividends", "spin_offs")
    told = {(e["code"], e["date"]) for kind in kinds for e in krx[kind]}
    assert moved == told
    assert len(told) >= 15


def test_every_kind_of_event_is_in_a_small_world_too():
    truth = open_world("synthetic:11", symbols=20, sessions=80).truth["krx"]
    counted = {
        kind: len(events) for kind, events in truth.items() if kind != "patterns"
    }  # of a market larger than the default
    assert all(counted.values()), counted
    assert {e["kind"] for e in truth["splits"]} == {"split", "consolidation"}


def test_a_name_that_is_delisted_was_split_before_and_its_company_said_so(world):
    krx = world.truth["krx"]
    gone = next(e for e in krx["delistings"] if e["code"] == "210340")
    split = next(e for e in krx["splits"] if e["code"] == "210340")
    assert f"{world.daily.sessions[0]}" < split["announced"] < split["date"] < gone["date"]
    assert split["factor"] == pytest.approx(0.5, rel=0.01)
    said = [f for f in world.filings if f.stock_code == "210340" and "주식분할" in f.report_nm]
    assert [f.report_nm for f in said] == [
        "주식분할결정",
        "주권매매거래정지 (주식분할)",
        "주권매매거래정지해제 (주식분할)",
    ]
    for filing in said:  # so that its receipt number shifts nobody else's
        same_office = [f.rcept_no for f in world.filings if f.rcept_no[:11] == filing.rcept_no[:11]]
        assert filing.rcept_no == max(same_office)


@pytest.mark.parametrize("seed", [7, 21])
def test_the_planted_signal_ranks_the_next_five_sessions(seed):
    ic = _rank_ics(open_world(f"synthetic:{seed}"), np.random.default_rng(0))
    assert 0.08 <= ic["signal"] <= 0.12
    assert 0.03 < ic["momentum"] < ic["signal"] and 0.03 < ic["volume"] < ic["signal"]
    assert abs(ic["shuffled"]) < 0.01


def test_informative_headlines_lean_with_the_coming_return_and_most_say_nothing(world):
    close = _adjusted(world)[0]
    positions = {day.isoformat(): i for i, day in enumerate(world.daily.sessions)}
    codes = {code: i for i, code in enumerate(world.daily.codes)}
    later = close[5:] - close[:-5]
    later = later - np.nanmedian(later, axis=1, keepdims=True)
    hits, toned = 0, 0
    for item in world.news.items:
        tone = 1 if any(w in item.title for w in ("상향", "체결", "순매수", "흥행")) else 0
        tone -= any(w in item.title for w in ("하향", "해지", "순매도", "부담"))
        day = positions.get(time.strftime("%Y-%m-%d", time.gmtime(item.published_at + 9 * 3600)))
        if tone and day is not None and day < len(later) and np.isfinite(later[day, codes[item.code]]):
            toned += 1
            hits += np.sign(later[day, codes[item.code]]) == tone
    assert 0.2 < toned / len(world.news.items) < 0.4
    # Half of the toned ones know, half toss a coin.
    assert 0.70 < hits / toned < 0.80


def test_headlines_are_as_many_as_promised(world):
    per_security_session = len(world.news.items) / world.daily.offsets[-1]
    assert 0.3 <= per_security_session <= 0.5


@pytest.mark.parametrize("name", ["synthetic", "synthetic:x", "recorded:", "7", ""])
def test_a_world_that_is_not_understood_says_how_to_name_one(name):
    with pytest.raises(Permanent, match="synthetic:SEED"):
        open_world(name)


def test_a_count_below_one_is_refused():
    with pytest.raises(Permanent, match="symbols of at least 1"):
        open_world("synthetic:7", symbols=0)


def _unlimited(world) -> set[tuple[str, str]]:
    """(code, day) of first days and of liquidation trading, where no limits hold."""
    days = [day.isoformat() for day in world.daily.sessions]
    free = {(e["code"], e["date"]) for e in world.truth["krx"]["listings"]}
    for e in world.truth["krx"]["liquidations"]:
        free |= {(e["code"], day) for day in days if e["date"] <= day <= e["last_date"]}
    return free


def _adjusted(world) -> tuple[np.ndarray, np.ndarray]:
    """(n_sessions, n_codes) adjusted log closes and volumes, from what KRX serves alone."""
    daily, n = world.daily, world.daily.numbers
    shape = (len(daily.sessions), len(daily.codes))
    row = np.repeat(np.arange(shape[0]), np.diff(daily.offsets))
    returns, volume, close, base = (np.full(shape, np.nan) for _ in range(4))
    returns[row, daily.code] = np.log(n["close"] / (n["close"] - n["change"]))
    close[row, daily.code], base[row, daily.code] = n["close"], n["close"] - n["change"]
    factor = np.ones(shape)
    factor[1:] = np.where(np.isfinite(base[1:]) & np.isfinite(close[:-1]), close[:-1] / base[1:], 1.0)
    volume[row, daily.code] = n["volume"]
    return np.where(np.isfinite(returns), np.nancumsum(returns, axis=0), np.nan), volume / np.cumprod(factor, axis=0)


def _rank_ics(world, rng: np.random.Generator) -> dict[str, float]:
    close, volume = _adjusted(world)
    found: dict[str, list[float]] = {name: [] for name in ("signal", "momentum", "volume", "shuffled")}
    for t in range(20, len(close) - 5):
        later, momentum = close[t + 5] - close[t], close[t] - close[t - 20]
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = volume[t - 4 : t + 1].mean(axis=0) / volume[t - 19 : t + 1].mean(axis=0)
        known = np.isfinite(later) & np.isfinite(momentum) & np.isfinite(ratio)
        later, momentum, ratio = later[known], momentum[known], ratio[known]
        signal = rankdata(momentum) + rankdata(ratio)
        features = {"signal": signal, "momentum": momentum, "volume": ratio, "shuffled": rng.permutation(signal)}
        for name, feature in features.items():
            found[name].append(spearmanr(feature, later)[0])
    return {name: float(np.mean(values)) for name, values in found.items()}
