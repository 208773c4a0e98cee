"""All contracts, discovered from the files under `market/datasets`, and what follows from them together.

What does not belong here: a list kept by hand. `tests/golden/asset_graph.txt` shows the reviewer what discovery found.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import market.datasets
from market.table import LAYERS, Table


@lru_cache(maxsize=1)
def tables() -> Mapping[str, Table]:
    """Every contract by name, in an order in which each table comes after those it reads.

    Raises
    ------
    ValueError
        A table reads one that does not exist, or reads form a circle.
    """
    found: dict[str, Table] = {}
    for layer in LAYERS:
        package = importlib.import_module(f"{market.datasets.__name__}.{layer}")
        for entry in sorted(pkgutil.iter_modules(package.__path__), key=lambda e: e.name):
            if entry.name.startswith("_"):
                continue
            module = importlib.import_module(f"{package.__name__}.{entry.name}")
            found[module.TABLE.name] = module.TABLE
    return MappingProxyType(_in_order(found))


def table(name: str) -> Table:
    """The contract of that name.

    Raises
    ------
    KeyError
        There is none; the message lists the names there are.
    """
    try:
        return tables()[name]
    except KeyError:
        raise KeyError(f"no table {name!r}; there are {', '.join(tables())}") from None


def layer(name: str) -> tuple[Table, ...]:
    """The contracts of one layer, in build order."""
    return tuple(t for t in tables().values() if t.layer == name)


def _in_order(found: dict[str, Table]) -> dict[str, Table]:
    done: dict[str, Table] = {}
    on_the_way: list[str] = []

    def visit(name: str, reader: str) -> None:
        if name in done:
            return
        if name not in found:
            raise ValueError(f"{reader} reads {name}, which has no contract; there are {', '.join(found)}")
        if name in on_the_way:
            raise ValueError(f"tables read each other in a circle: {' -> '.join([*on_the_way, name])}")
        on_the_way.append(name)
        for read in found[name].reads:
            if read.table != name:
                visit(read.table, name)
        on_the_way.pop()
        done[name] = found[name]

    for name in found:
        visit(name, name)
    return done
