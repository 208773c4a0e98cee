"""Alpha158 and Alpha360, the feature sets of Qlib, as features of ours.

Declared in Qlib's own syntax, so that formulas can be held against theirs word by word. What does not belong here: reading that syntax (``qlib``).

Source: Qlib 0.9.7, ``qlib/contrib/data/loader.py``, Alpha158DL and Alpha360DL in their default configuration.
"""

from typing import Final

from market.features.definition import Feature
from market.features.qlib import parse_qlib

WINDOWS: Final = (5, 10, 20, 30, 60)

_UP, _DOWN = "Greater({x}-Ref({x}, 1), 0)", "Greater(Ref({x}, 1)-{x}, 0)"
_MOVED = "Sum(Abs({x}-Ref({x}, 1)), {n})+1e-12"
_WEIGHTED = "Abs($close/Ref($close, 1)-1)*$volume"

_CANDLE: Final = (
    ("kmid", "($close-$open)/$open", "Body of the candle over the open."),
    ("klen", "($high-$low)/$open", "Range of the session over the open."),
    ("kmid2", "($close-$open)/($high-$low+1e-12)", "Body of the candle over the range."),
    ("kup", "($high-Greater($open, $close))/$open", "Upper shadow over the open."),
    ("kup2", "($high-Greater($open, $close))/($high-$low+1e-12)", "Upper shadow over the range."),
    ("klow", "(Less($open, $close)-$low)/$open", "Lower shadow over the open."),
    ("klow2", "(Less($open, $close)-$low)/($high-$low+1e-12)", "Lower shadow over the range."),
    ("ksft", "(2*$close-$high-$low)/$open", "Close against the middle of the range, over the open."),
    ("ksft2", "(2*$close-$high-$low)/($high-$low+1e-12)", "Close against the middle of the range, over the range."),
    ("open0", "$open/$close", "Open over close."),
    ("high0", "$high/$close", "High over close."),
    ("low0", "$low/$close", "Low over close."),
    ("vwap0", "$vwap/$close", "Volume-weighted mean price over close."),
)
_ROLLING: Final = (
    ("roc", "Ref($close, {n})/$close", "Close of {n} sessions ago over close."),
    ("ma", "Mean($close, {n})/$close", "Mean close of {n} sessions over close."),
    ("std", "Std($close, {n})/$close", "Standard deviation of the close over {n} sessions, over close."),
    ("beta", "Slope($close, {n})/$close", "Slope of the close over {n} sessions, over close."),
    ("rsqr", "Rsquare($close, {n})", "Share of the close's variance over {n} sessions that a line explains."),
    ("resi", "Resi($close, {n})/$close", "Distance of the close from its line of {n} sessions, over close."),
    ("max", "Max($high, {n})/$close", "Highest high of {n} sessions over close."),
    ("min", "Min($low, {n})/$close", "Lowest low of {n} sessions over close."),
    ("qtlu", "Quantile($close, {n}, 0.8)/$close", "The close's 80 % quantile of {n} sessions over close."),
    ("qtld", "Quantile($close, {n}, 0.2)/$close", "The close's 20 % quantile of {n} sessions over close."),
    ("rank", "Rank($close, {n})", "Rank of the close among {n} sessions, 0 to 1."),
    (
        "rsv",
        "($close-Min($low, {n}))/(Max($high, {n})-Min($low, {n})+1e-12)",
        "Place of the close between the lowest low and the highest high of {n} sessions.",
    ),
    ("imax", "IdxMax($high, {n})/{n}", "Place of the highest high among {n} sessions, 1 for today."),
    ("imin", "IdxMin($low, {n})/{n}", "Place of the lowest low among {n} sessions, 1 for today."),
    (
        "imxd",
        "(IdxMax($high, {n})-IdxMin($low, {n}))/{n}",
        "Sessions from the lowest low to the highest high, over {n}.",
    ),
    (
        "corr",
        "Corr($close, Log($volume+1), {n})",
        "Correlation of close and logarithm of volume over {n} sessions.",
    ),
    (
        "cord",
        "Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), {n})",
        "Correlation of the change of close and that of volume over {n} sessions.",
    ),
    ("cntp", "Mean($close>Ref($close, 1), {n})", "Share of {n} sessions on which the close rose."),
    ("cntn", "Mean($close<Ref($close, 1), {n})", "Share of {n} sessions on which the close fell."),
    (
        "cntd",
        "Mean($close>Ref($close, 1), {n})-Mean($close<Ref($close, 1), {n})",
        "Share of {n} sessions on which the close rose less that on which it fell.",
    ),
    *(
        (f"{name}sum{kind}", f"{made}/({_MOVED})".replace("{x}", x), f"{said} of {what} over all of its moves of {{n}} sessions.")
        for name, x, what in (("", "$close", "the close"), ("v", "$volume", "volume"))
        for kind, made, said in (
            ("p", f"Sum({_UP}, {{n}})", "Rises"),
            ("n", f"Sum({_DOWN}, {{n}})", "Falls"),
            ("d", f"(Sum({_UP}, {{n}})-Sum({_DOWN}, {{n}}))", "Rises less falls"),
        )
    ),
    ("vma", "Mean($volume, {n})/($volume+1e-12)", "Mean volume of {n} sessions over volume."),
    ("vstd", "Std($volume, {n})/($volume+1e-12)", "Standard deviation of volume over {n} sessions, over volume."),
    (
        "wvma",
        f"Std({_WEIGHTED}, {{n}})/(Mean({_WEIGHTED}, {{n}})+1e-12)",
        "Standard deviation over mean of the absolute return times volume over {n} sessions.",
    ),
)  # fmt: skip
_SOURCE: Final = "Qlib 0.9.7, qlib/contrib/data/loader.py, {}"


def alpha158() -> tuple[Feature, ...]:
    """The 158 features by Qlib's names in small letters: nine of the candle, four prices, and 29 over each of five windows."""
    said = [*_CANDLE, *((f"{name}{n}", text.replace("{n}", f"{n}"), doc.replace("{n}", f"{n}")) for name, text, doc in _ROLLING for n in WINDOWS)]  # fmt: skip
    return tuple(
        Feature(name, parse_qlib(text), doc, "ratio", _SOURCE.format("Alpha158DL")) for name, text, doc in said
    )


def alpha360() -> tuple[Feature, ...]:
    """The 360: closes, opens, highs, lows, mean prices and volumes of this and 59 sessions before, over today's close (volume)."""
    found = []
    for field in ("close", "open", "high", "low", "vwap", "volume"):
        over, what = ("($volume+1e-12)", "volume") if field == "volume" else ("$close", "close")
        for n in range(59, -1, -1):
            text = f"Ref(${field}, {n})/{over}" if n else f"${field}/{over}"
            doc = (
                f"{field.capitalize()} of {n} sessions ago over today's {what}."
                if n
                else f"{field.capitalize()} over {what}."
            )
            found.append(Feature(f"{field}{n}", parse_qlib(text), doc, "ratio", _SOURCE.format("Alpha360DL")))
    return tuple(found)
