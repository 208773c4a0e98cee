"""The reference pages about features: the catalogue, the libraries beside it, operators, chart patterns.

What does not belong here: the other pages, and writing files (`marketlake.dictionary`); how pictures are drawn (`marketlake.sheets`).
"""

from collections.abc import Sequence

from market import patterns
from market.features import candles, indicators
from market.features.catalogue import catalogue, libraries
from market.features.operators import OPERATORS, Operator
from market.patterns.rates import IN_THE_MARKET, RATES
from marketlake import sheets
from marketlake.markdown import NOTICE, anchor, bound, grid, text, yes
from marketlake.sheets import SHOWN, Group

PICTURES = "pictures"


def features_page() -> str:
    """The catalogue of features: an overview, then every feature with its formula and source."""
    features = catalogue().values()
    rows = [[f"[{f.name}](#{anchor(f.name)})", f.unit, str(f.lookback), yes(f.is_recursive), f.doc] for f in features]
    lines = [
        NOTICE.format(source="the entries under `market/features/library`"),
        "# Features",
        "",
        f"{len(rows)} columns of [gold.features_daily](tables.md#{anchor('gold.features_daily')}), on forward-adjusted "
        "prices. Lookback: rows before the current one that an incremental run reads. Recursive: an incremental run also needs "
        "the stored state. How to add one: [how-to/add-a-feature.md](how-to/add-a-feature.md).",
        "",
        *grid(("feature", "unit", "lookback", "recursive", "meaning"), rows),
        "",
    ]
    for feature in features:
        bounds = f"{bound(feature.low, '-inf')} to {bound(feature.high, 'inf')}"
        lines += [
            f"## {feature.name}", "", feature.doc, "", "```text", feature.formula, "```", "",
            f"- unit: {feature.unit}", f"- reads: {', '.join(feature.inputs)}", f"- lookback in rows: {feature.lookback}",
            f"- recursive: {yes(feature.is_recursive) or 'no'}", f"- bounds: {bounds}", f"- source: {feature.source}", "",
        ]  # fmt: skip
    return text(lines)


def indicators_page() -> str:
    """The libraries beside the catalogue, a section for each file with its picture: indicators with formula and source, candlesticks."""
    found = libraries()
    lines = [
        NOTICE.format(source="the entries under `market/features/indicators` and `candles`"),
        "# Indicators",
        "",
        f"{len(found['indicators'])} classical indicators, with TA-Lib's names and defaults where it has them and its values within 1e-9. They are computed when asked for: "
        '`marketlake features compute ta_rsi_14 --symbol 005930`, `lake.compute("adx_14", ...)`; `marketlake features show adx_14` says how one behaves '
        "in the release. So are Qlib's sets, "
        f"`marketlake features list --library alpha158` ({len(found['alpha158'])}) and `alpha360` ({len(found['alpha360'])}). What is written with which rule: "
        "[operators](operators.md).",
        "",
        "Of TA-Lib's these are not here: what turns over by a state of its own (`SAR`, `SAREXT`, `SUPERTREND`), what follows a cycle (`MAMA` and the Hilbert transforms `HT_...`), "
        "a window that changes from row to row (`MAVP`), and `FRACTAL`, whose middle is known two sessions later. Its arithmetic and trigonometric functions are operators "
        "of the algebra, or left out.",
        "",
        f"Each picture shows {SHOWN} sessions of the same made-up price. Grey: the close where an indicator has its scale, else zero.",
        "",
    ]
    for group in sheets.groups(indicators):
        rows = [[f"`{f.name}`", f.doc, f.unit, f"`{f.formula}`".replace("|", "\\|"), f.source] for f in group.features]
        lines += _group("##", _titled(group), group, grid(("indicator", "meaning", "unit", "formula", "source"), rows))
    lines += [
        "## Candlesticks",
        "",
        f"{len(found['candles'])} patterns with TA-Lib's signals: 100 bullish, -100 bearish, 0 none; `marketlake features show cdl_doji` has the formula. "
        f"The pictures mark the first session of the made-up price where each is there; session 1 is the first of the {SHOWN} shown, and the rare ones "
        "come long after them.",
        "",
    ]
    for group in sheets.groups(candles):
        rows = [[f"`{f.name}`", f.doc, f.source] for f in group.features]
        lines += _group("###", f"Candles: {group.name}", group, grid(("pattern", "meaning", "source"), rows))
    return text(lines)


def _group(level: str, title: str, group: Group, grid: Sequence[str]) -> list[str]:
    """A section of the page: what the file says of itself, its picture, its entries."""
    picture = f"![{title}: each of the {len(group.features)} below over a made-up price]({PICTURES}/{group.sheet})"
    return [f"{level} {title}", "", group.about, "", picture, "", *grid, ""]


def _titled(group: Group) -> str:
    return group.name.replace("_", " ").capitalize()


def operators_page() -> str:
    """Every operator of the algebra: how it is written and what it does with what is missing."""
    kinds = {
        "elementwise": "Of one row",
        "window": "Windows",
        "recursive": "Recursive",
        "cross": "Of all securities of a session",
    }
    lines = [
        NOTICE.format(source="`market/features/operators.py`"),
        "# Operators",
        "",
        "What [features](features.md) and `marketlake features compute` are written with. A window is in rows, the current one included, and looks "
        "back alone; `least=` lets it do with fewer known rows than it is long. Text with `$close` is read as [Qlib](https://github.com/microsoft/qlib)'s "
        "syntax, whose windows take what there is: `Mean($close, 5)` is `mean(close, 5, least=1)`. Operators over the securities of an exchange and session may take `by=`, a column of groups. "
        "Columns are those of [gold.prices](tables.md#goldprices), and `weekday` (0 is Monday), `month`, `days_since_session` and `session_of_month` of the exchange's "
        "calendar. What is unlike, a price and shares, is not added.",
        "",
        "**Halts and sessions without trade.** A halted session is a row: its close is the last one, its volume and value are 0, its open, high and low are not known, and "
        "windows count it. So `mean(close, 5)` goes on through a halt, `max(high, 5)` wants `least=`, and what divides by volume has no value where none was traded. "
        "A session without any row (a bar that never came) breaks the series: windows fill again and recursive operators seed again, since prices across such a hole "
        "cannot be compared. What is no finite number is not known, in windows and in recursive operators alike.",
        "",
    ]
    for kind, title in kinds.items():
        rows = [[f"`{_written(one)}`", one.rule] for one in OPERATORS.values() if one.kind == kind]
        lines += [f"## {title}", "", *grid(("operator", "value"), rows), ""]
    return text(lines)


def _written(operator: Operator) -> str:
    """How it stands in text: a + b, corr(x, y, n)."""
    if operator.kind == "elementwise":
        names = ["a", "b", "c"][: operator.arity]
        if not operator.symbol:
            return f"{operator.name}({', '.join(names)})"
        return f" {operator.symbol} ".join(names) if len(names) > 1 else f"{operator.symbol}a"
    words = ["x", "y"][: operator.arity] + ["n"] * operator.takes_window + ["level="] * bool(operator.max_level)
    return f"{operator.name}({', '.join(words)})"


def patterns_page() -> str:
    """The chart patterns: which way they point, what they are, whose they are."""
    turns = {1: "up", -1: "down", 0: "as it breaks"}
    rows = [[f"`{one.name}`", turns[one.direction], one.doc, one.source] for one in patterns.PATTERNS.values()]
    rates = [
        [f"`{name}`", turns[direction], f"{found:.0%}", f"{right:.0%}", f"{nothing:.1f}"]
        for (name, direction), (found, right, nothing) in RATES.items()
    ]
    lines = [
        NOTICE.format(source="`market/patterns/declarations.py`"),
        "# Chart patterns",
        "",
        f"{len(rows)} kinds, found in forward-adjusted bars from pivots that were confirmed by then, and told at the session whose close confirms "
        "them: [gold.patterns](tables.md#goldpatterns), `/api/v1/stocks/{symbol}/patterns`. What stands at a session depends on it and the "
        f"{patterns.LOOKBACK} sessions before it alone. Confidence says how well a pattern fits; it orders, and is no probability.",
        "",
        *grid(("pattern", "points", "meaning", "source"), rows),
        "",
        f"Of each the one that fits best in {sheets.WHOLE:,} sessions of a made-up price. Blue: its pivots joined, or its boundaries through them; grey: the session that confirms it; from there on green the target "
        "and red the level at which it has failed.",
        "",
        f"![Chart patterns: the one of each kind that fits best]({PICTURES}/{sheets.CHART_PATTERNS})",
        "",
        "## How often they are right",
        "",
        "Two hundred of each kind and direction were planted in random walks, under half of the walk's own noise. *Found*: of those planted. *Right*: of the patterns of that "
        "kind told around them, those that are the planted one. *Of nothing*: told in 1,000 sessions of a walk in which none was planted; what a random walk shows "
        "by itself is no signal: a common gap comes every second month. Measured by `python -m tests.market.patterns.planted`; `pytest tests/market/patterns/test_planted.py` holds the table on other walks, less four standard errors.",
        "",
        f"The synthetic market is rougher than those walks: ticks, price limits, shadows and dividends. Of 1,380 planted in the securities that thirty worlds of it have beyond "
        f"the default ones (`marketlake exchange serve --symbols 246`), {IN_THE_MARKET:.0%} are found; `python -m tests.exchange.test_planted_patterns` measures it.",
        "",
        *grid(("pattern", "direction", "found", "right", "of nothing, in 1,000 sessions"), rates),
        "",
    ]
    return text(lines)
