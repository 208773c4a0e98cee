"""The wire formats of the sources, one module each; the prefix of a source's base URL is its key here."""

from collections.abc import Mapping

from exchange.wires.answer import Wire
from exchange.wires.krx import Krx


def all_wires(keys: Mapping[str, str], *, krx_commas: bool = True) -> dict[str, Wire]:
    """Every source's wire by its prefix."""
    return {"krx": Krx(keys, commas=krx_commas)}
