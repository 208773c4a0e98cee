"""The wire formats of the sources, one module each, by the source's name."""

from collections.abc import Mapping

from exchange.wires.answer import Wire
from exchange.wires.dart import Dart
from exchange.wires.daum import Daum
from exchange.wires.krx import Krx
from exchange.wires.krx_market import KrxMarket
from exchange.wires.naver import Naver
from exchange.wires.sec import Sec
from exchange.wires.yahoo import Yahoo


def all_wires(keys: Mapping[str, str], *, krx_commas: bool = True) -> dict[str, Wire]:
    """Every source's wire by its name."""
    return {
        "krx": Krx(keys, commas=krx_commas),
        "yahoo": Yahoo(keys),
        "dart": Dart(keys),
        "naver": Naver(keys),
        "daum": Daum(keys),
        "sec": Sec(keys),
        "krx_market": KrxMarket(keys),
    }
