"""The wire formats of the sources, one module each; the prefix of a source's base URL is its key here."""

from collections.abc import Mapping

from exchange.wires.answer import Wire
from exchange.wires.dart import Dart
from exchange.wires.krx import Krx
from exchange.wires.naver import Naver
from exchange.wires.sec import Sec
from exchange.wires.yahoo import Yahoo


def all_wires(keys: Mapping[str, str], *, krx_commas: bool = True) -> dict[str, Wire]:
    """Every source's wire by its prefix."""
    return {
        "krx": Krx(keys, commas=krx_commas),
        "yahoo": Yahoo(keys),
        "dart": Dart(keys),
        "naver": Naver(keys),
        "sec": Sec(keys),
    }
