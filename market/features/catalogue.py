"""Every feature there is, found in the files of ``market/features/library``, and the libraries beside it. Adding one is an entry in a file.

What does not belong here: a list of features or of files; dropping a file into the folder is enough.
"""

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType

from market.errors import Permanent
from market.features import alpha, candles, indicators, library, sentiment, units
from market.features.definition import Feature

KEPT: Mapping[str, str] = {
    "gold.features_daily": "features_daily",
    "gold.alpha158": "alpha158",
    "gold.sentiment": "sentiment",
}
"""The gold tables whose columns are a library's features, and which."""


def catalogue() -> dict[str, Feature]:
    """The features of gold.features_daily by name, in order of file and of entry; a fresh dict.

    Raises
    ------
    Permanent : a library file without a ``FEATURES`` tuple, two entries of one name (both files are named), or a formula that does not
        measure what its unit says (``units``).
    """
    return dict(_discovered(library))


@functools.cache
def libraries() -> dict[str, dict[str, Feature]]:
    """Every library by name: that of gold.features_daily, classical indicators, candlesticks, what headlines say, and Qlib's two; errors as of `catalogue`."""
    return {
        "features_daily": catalogue(),
        "indicators": dict(_discovered(indicators)),
        "candles": dict(_discovered(candles)),
        "sentiment": {one.name: units.checked(one) for one in sentiment.FEATURES},
        "alpha158": {one.name: units.checked(one) for one in alpha.alpha158()},
        "alpha360": {one.name: units.checked(one) for one in alpha.alpha360()},
    }


def of_table(name: str) -> dict[str, Feature]:
    """The features that are columns of a gold table, by name; none where it keeps none."""
    return libraries()[KEPT[name]] if name in KEPT else {}


def table_of(name: str) -> str | None:
    """The gold table that keeps the feature of that name; None: it is computed when asked for."""
    return next((table for table in KEPT if name in of_table(table)), None)


def find(name: str) -> Feature | None:
    """The feature of that name in the first library that has one; None: none has."""
    return next((features[name] for features in libraries().values() if name in features), None)


@functools.cache
def _discovered(home: ModuleType) -> dict[str, Feature]:
    names = sorted(module.name for module in pkgutil.iter_modules(home.__path__))
    return merged({_file(home, name): _features_of(home, name) for name in names})


def merged(groups: dict[str, tuple[Feature, ...]]) -> dict[str, Feature]:
    """The features of several library files (path of the file: entries) by name.

    Raises
    ------
    Permanent : two entries of one name.
    """
    found: dict[str, Feature] = {}
    homes: dict[str, str] = {}
    for group, features in groups.items():
        for feature in features:
            if feature.name in found:
                files = f"{homes[feature.name]} and {group}"
                do = "Rename or remove one."
                raise Permanent(f"feature {feature.name!r}", expected="one definition", found=f"two, in {files}", do=do)
            found[feature.name], homes[feature.name] = feature, group
    return found


def _features_of(home: ModuleType, name: str) -> tuple[Feature, ...]:
    module = importlib.import_module(f"{home.__name__}.{name}")
    features = getattr(module, "FEATURES", None)
    if not isinstance(features, tuple) or not all(isinstance(feature, Feature) for feature in features):
        raise Permanent(_file(home, name), expected="FEATURES, a tuple of Feature", found=type(features).__name__)
    return tuple(map(units.checked, features))


def _file(home: ModuleType, name: str) -> str:
    return f"{home.__name__.replace('.', '/')}/{name}.py"
