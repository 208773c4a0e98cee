"""What holds of every feature of every library, whatever it measures."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.features.catalogue import libraries
from market.features.parse import parse
from market.features.sections import compile_features

EXAMPLES = settings(max_examples=20, deadline=None)  # the first example also compiles the kernels
PROGRAMS = {name: compile_features(tuple(features.values())) for name, features in libraries().items()}


@pytest.mark.parametrize("library", PROGRAMS)
@EXAMPLES
@given(data=st.data())
def test_cut_history_has_the_bits_of_the_whole(markets: Any, library: str, data: st.DataObject) -> None:
    program, market = PROGRAMS[library], data.draw(markets)
    lengths = np.diff(market.offsets)
    kept = np.array([data.draw(st.integers(0, int(n))) for n in lengths])
    rows = np.concatenate([begin + np.arange(n) for begin, n in zip(market.offsets, kept, strict=False)]).astype(int)
    columns = {name: column[rows] for name, column in market.columns.items()}
    cut = program.run(columns, np.concatenate(([0], np.cumsum(kept)))).values
    for name, whole in program.run(market.columns, market.offsets).values.items():
        np.testing.assert_array_equal(cut[name], whole[rows], err_msg=name)


@pytest.mark.parametrize("library", PROGRAMS)
def test_every_formula_reads_back_from_its_text(library: str) -> None:
    for feature in libraries()[library].values():
        assert parse(feature.formula) == feature.expr, feature.name
