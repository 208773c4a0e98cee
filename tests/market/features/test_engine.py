"""What a program says of itself, and how wrong arguments are refused before anything is computed."""

import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from market.errors import Permanent
from market.features import engine, recursion, windows
from market.features.algebra import Expr, col, corr, ema, log, max_, mean, where, wilder
from market.features.definition import Feature
from market.features.engine import Program
from market.features.sections import compile_features

CLOSE = col("close")


def program_of(*exprs: Expr) -> Program:
    return compile_features([Feature(f"x{i}", e, "Under test.", "ratio", "ours") for i, e in enumerate(exprs)])


def run(program: Program, rows: int = 4, **arguments: Any) -> Any:
    usual: dict[str, Any] = {"columns": {"close": np.arange(1.0, rows + 1)}, "offsets": np.array([0, rows])}
    return program.run(**(usual | arguments))


def test_a_program_knows_what_it_reads() -> None:
    program = program_of(mean(CLOSE, 5), corr(CLOSE, col("volume"), 20), ema(CLOSE, 9))
    assert (program.names, program.inputs, program.lookback) == (("x0", "x1", "x2"), ("close", "volume"), 19)
    assert (program.state_width, program.is_recursive) == (3, True)


def test_the_layout_says_whose_state_it_is() -> None:
    program = program_of(mean(ema(CLOSE, 9), 2), ema(CLOSE, 4))
    owners = ("rows seen", *["ema(close, 9)"] * 3, *["ema(close, 4)"] * 2)
    assert (program.state_layout, program.state_width) == (owners, 6)
    assert program.state_digest == program_of(mean(ema(CLOSE, 9), 2), ema(CLOSE, 4)).state_digest


def test_states_of_equal_width_and_other_formulas_have_other_digests() -> None:
    programs = [program_of(ema(CLOSE, 9)), program_of(ema(CLOSE, 10)), program_of(wilder(CLOSE, 9))]
    assert {program.state_width for program in programs} == {3}
    assert len({program.state_digest for program in programs}) == 3
    # a window above reads back one output: the same operators, and a longer memory
    assert program_of(mean(ema(CLOSE, 9), 2)).state_digest != programs[0].state_digest


def test_a_program_travels_to_a_worker_process() -> None:
    program = pickle.loads(pickle.dumps(program_of(mean(CLOSE, 2))))
    np.testing.assert_array_equal(run(program).values["x0"], [np.nan, 1.5, 2.5, 3.5])


def test_context_rows_are_read_and_not_emitted() -> None:
    result = run(program_of(mean(CLOSE, 2)), emit_from=np.array([3]))
    np.testing.assert_array_equal(result.values["x0"], [3.5])
    np.testing.assert_array_equal(result.offsets, [0, 1])


def test_whole_numbers_and_read_only_memory_are_taken_and_left_alone() -> None:
    close = np.array([1, 2, 3, 4])
    close.setflags(write=False)
    np.testing.assert_array_equal(
        run(program_of(mean(CLOSE, 2)), columns={"close": close}).values["x0"][1:], [1.5, 2.5, 3.5]
    )
    assert close.tolist() == [1, 2, 3, 4]


def test_memory_of_arrow_is_read_where_it_lies_and_left_as_it_is() -> None:
    held = pa.array([1.0, 2.0, 4.0, 8.0])
    close = held.to_numpy()
    lent = engine._lent(close)
    assert np.shares_memory(lent, close) and lent.flags.writeable and not close.flags.writeable
    before = held.buffers()[1].to_pybytes()
    program = program_of(
        mean(CLOSE, 2), ema(CLOSE, 2), max_(CLOSE, 2), corr(CLOSE, CLOSE + 1, 3), where(CLOSE > 2, CLOSE, -CLOSE), CLOSE
    )
    run(program, columns={"close": close})
    assert held.buffers()[1].to_pybytes() == before
    assert not np.shares_memory(engine._lent(close[::2]), close)


def test_each_kernel_gets_arrays_of_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """numba compiles a kernel anew for read-only memory, which costs seconds in each new process without a cache."""
    met: list[bool] = []
    for module, name in ((windows, "rolling"), (windows, "paired"), (recursion, "smooth")):
        kernel = getattr(module, name)

        def watched(*args: Any, kernel: Any = kernel) -> None:
            met.extend(arg.flags.writeable for arg in args if isinstance(arg, np.ndarray) and arg.dtype == np.float64)
            kernel(*args)

        monkeypatch.setattr(module, name, watched)
    program = program_of(
        mean(CLOSE, 2), corr(CLOSE, col("volume"), 3), ema(CLOSE + 1, 2), corr(CLOSE, 2.0, 2), corr(CLOSE, log(2.0), 2)
    )
    columns = {name: np.arange(1.0, 7.0) for name in ("close", "volume")}
    for column in columns.values():
        column.setflags(write=False)
    run(program, 6, columns=columns)
    assert met and all(met)


def test_no_rows_and_no_series_give_no_rows() -> None:
    program = program_of(mean(CLOSE, 2), ema(CLOSE, 2))
    for offsets in ([0], [0, 0], [0, 0, 0]):
        result = program.run({"close": np.empty(0)}, np.array(offsets))
        assert result.values["x0"].shape == (0,)
        assert result.state.shape == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param({"columns": {"open": np.ones(4)}}, "keys close", id="column missing"),
        pytest.param({"columns": {"close": np.ones(3)}}, r"expected shape \(4,\)", id="column too short"),
        pytest.param({"offsets": np.array([0, 3, 2, 4])}, "offsets", id="offsets fall"),
        pytest.param({"offsets": np.array([1, 4])}, "offsets", id="offsets begin late"),
        pytest.param({"offsets": np.array([], dtype=np.int64)}, "offsets", id="no offsets"),
        pytest.param({"emit_from": np.array([5])}, "emit_from", id="context longer than the series"),
        pytest.param({"emit_from": np.array([-1])}, "emit_from", id="context negative"),
        pytest.param({"emit_from": np.array([1, 1])}, "emit_from", id="context of another series"),
        pytest.param({"state": np.zeros((1, 9))}, "run the whole history once", id="state of other features"),
        pytest.param({"emit_from": np.array([2])}, "Pass the stored state", id="context without state"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(Permanent, match=says):
        run(program_of(ema(mean(CLOSE, 3), 2)), **arguments)


@pytest.mark.parametrize(
    ("context", "says"),
    [
        pytest.param(
            1, "expected 2 context rows.*was 1 for a series of 3 rows.*series 0", id="too short for the window"
        ),
        pytest.param(4, "was 4 context rows, state after 3", id="a row the state has not seen"),
    ],
)
def test_context_and_state_must_belong_together(context: int, says: str) -> None:
    program = program_of(ema(mean(CLOSE, 3), 2))
    state = run(program, rows=3).state[-1:]
    with pytest.raises(Permanent, match=says):
        run(program, rows=6, state=state, emit_from=np.array([context]))


def test_a_newly_listed_series_starts_beside_an_old_one() -> None:
    program = program_of(ema(mean(CLOSE, 3), 2))
    old = run(program, rows=5)
    state = np.vstack([old.state[-1:], program.start_state(1)])
    # two rows of context and a new one, then four of the new series: means 8 and 25/3 are its seed
    columns = {"close": np.array([4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 8.0])}
    result = program.run(columns, np.array([0, 3, 7]), state, np.array([2, 0]))
    np.testing.assert_array_equal(result.values["x0"][:1], run(program, rows=6).values["x0"][-1:])
    np.testing.assert_allclose(result.values["x0"][1:], [np.nan, np.nan, np.nan, (8 + 25 / 3) / 2])


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_features_to_compile_are_some_and_distinct(names: list[str]) -> None:
    with pytest.raises(Permanent, match="at least one feature, distinct names"):
        compile_features([Feature(name, CLOSE, "Under test.", "ratio", "ours") for name in names])


def test_any_number_of_threads_gives_the_same_bits() -> None:
    rng = np.random.default_rng(3)
    offsets = np.arange(0, 60_001, 1_500)
    columns = {"close": np.exp(rng.normal(0, 1, 60_000)), "volume": rng.random(60_000)}
    program = program_of(mean(CLOSE, 20), corr(CLOSE, col("volume"), 10), ema(CLOSE / col("volume"), 12))
    one, four = (program.run(columns, offsets, threads=n) for n in (1, 4))
    for name in program.names:
        np.testing.assert_array_equal(one.values[name], four.values[name])
    np.testing.assert_array_equal(one.state, four.state)


def test_without_state_the_values_are_the_same() -> None:
    columns, offsets = {"close": np.random.default_rng(5).random(90)}, np.array([0, 40, 90])
    program = program_of(ema(CLOSE, 5), mean(ema(CLOSE, 3), 4))
    kept, left = (program.run(columns, offsets, keeps_state=keeps) for keeps in (True, False))
    for name in program.names:
        np.testing.assert_array_equal(kept.values[name], left.values[name])
    assert (kept.state.shape, left.state.shape) == ((90, program.state_width), (0, program.state_width))
