"""Every feature there is, found in the files of ``market/features/library``. Adding one is an entry in one of them.

What does not belong here: a list of features or of files; dropping a file into the folder is enough.
"""

import functools
import importlib
import pkgutil

from market.errors import Permanent
from market.features import library
from market.features.definition import Feature


def catalogue() -> dict[str, Feature]:
    """All features by name, in order of file and of entry; a fresh dict.

    Raises
    ------
    Permanent : a library file without a ``FEATURES`` tuple, or two entries of one name (both files are named).
    """
    return dict(_discovered())


@functools.cache
def _discovered() -> dict[str, Feature]:
    names = sorted(module.name for module in pkgutil.iter_modules(library.__path__))
    return merged({name: _features_of(name) for name in names})


def merged(groups: dict[str, tuple[Feature, ...]]) -> dict[str, Feature]:
    """The features of several library files (file name without .py: entries) by name.

    Raises
    ------
    Permanent : two entries of one name.
    """
    found: dict[str, Feature] = {}
    homes: dict[str, str] = {}
    for group, features in groups.items():
        for feature in features:
            if feature.name in found:
                files = f"{_file(homes[feature.name])} and {_file(group)}"
                do = "Rename or remove one."
                raise Permanent(f"feature {feature.name!r}", expected="one definition", found=f"two, in {files}", do=do)
            found[feature.name], homes[feature.name] = feature, group
    return found


def _features_of(group: str) -> tuple[Feature, ...]:
    module = importlib.import_module(f"{library.__name__}.{group}")
    features = getattr(module, "FEATURES", None)
    if not isinstance(features, tuple) or not all(isinstance(feature, Feature) for feature in features):
        raise Permanent(_file(group), expected="FEATURES, a tuple of Feature", found=type(features).__name__)
    return features


def _file(group: str) -> str:
    return f"{library.__name__.replace('.', '/')}/{group}.py"
