"""Ratios of one company, as they could be known at an instant."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from lake.ratios import ratios_at
from lake.sql import ReleaseSql
from serving.queries.fundamentals import refuse_unknown
from serving.queries.reading import instant_of


def ratios(sql: ReleaseSql, security: str, basis: Sequence[str], as_of: datetime | None) -> list[dict[str, Any]]:
    """A row for each basis and ratio.

    Parameters
    ----------
    basis : those wanted; none: both.

    Raises
    ------
    Problem
        422: a basis that there is not.
    """
    refuse_unknown({"basis": basis})
    found = ratios_at(sql, [security], instant_of(sql, as_of))
    return [asdict(one) for one in found if not basis or one.basis in basis]
