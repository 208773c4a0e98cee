"""Runs compiled features over series laid end to end: a whole history, or new rows resumed from stored state, same bits.

How it works: 1 ``plan`` lists each distinct sub-expression once; 2 ``Program.run`` cuts series where a session is missing
(``runs``) and walks them in chunks that stay in the processor's cache; 3 per chunk every step gives one column (numpy row by row, ``windows`` and ``recursion`` for what reads other rows);
4 values and state of the rows that are no context are written out. What does not belong here: reading tables.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from market.features import recursion, windows
from market.features.batch import Batch, checked_columns, checked_emit_from, checked_offsets, checked_state
from market.features.definition import Feature
from market.features.elementwise import ELEMENTWISE, Value
from market.features.nodes import Column, Constant, Elementwise, Recursive, Window
from market.features.plan import SEEN, Plan, Step
from market.features.recursion import CELLS
from market.features.runs import unbroken

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK_ROWS: Final = 65_536  # 512 KiB a column: what a step reads and writes fits a second-level cache; of less, two threads wait for each other in Python


@dataclass(frozen=True)
class Result:
    """What a run gives back, for the m rows that are no context, in the order of the input.

    Parameters
    ----------
    values : feature name to (m,) float64, rows of one block: a copy of one lets go of the others.
    state : (m, state_width) the state after each row; keep it with the row, the next run resumes from it.
    offsets : (k + 1,) int64, where each series' rows begin in ``values`` and ``state``.
    """

    values: dict[str, Floats]
    state: Floats
    offsets: Ints


@dataclass(frozen=True)
class Program:
    """Compiled features; picklable, holds no data. Made by ``sections.compile_features``; one with cross-sections is a ``sections.Staged``."""

    features: tuple[Feature, ...]
    plan: Plan

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names, in the order given."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Columns to hand to ``run``, sorted."""
        return tuple(sorted(frozenset().union(*(feature.expr.inputs for feature in self.features))))

    @cached_property
    def _named(self) -> dict[int, list[str]]:
        """Features by the step that makes them; two may be one expression."""
        named: dict[int, list[str]] = {}
        for name, index in self.plan.outputs.items():
            named.setdefault(index, []).append(name)
        return named

    @cached_property
    def lookback(self) -> int:
        """Context rows an incremental run needs before the first new one."""
        return max(feature.lookback for feature in self.features)

    @property
    def is_recursive(self) -> bool:
        """Whether a run over new rows needs the stored state."""
        return any(feature.is_recursive for feature in self.features)

    @property
    def state_width(self) -> int:
        """Numbers of state per row; at least 1, the count of rows seen."""
        return self.plan.state_width

    @property
    def state_layout(self) -> tuple[str, ...]:
        """What each number of the state belongs to."""
        return ("rows seen", *(str(step.node) for step in self.plan.steps for _ in range(step.cells[1])))

    @cached_property
    def state_digest(self) -> str:
        """16 hexadecimal digits of ``state_layout``: store it with the state, resume only where it is the same."""
        return hashlib.sha256("\n".join(self.state_layout).encode()).hexdigest()[:16]

    def start_state(self, k: int) -> Floats:
        """(k, state_width) state of series that have no row yet, e.g. a newly listed stock."""
        state = np.zeros((k, self.state_width))
        for step in self.plan.steps:
            begin, width = step.cells
            state[:, begin + CELLS : begin + width] = np.nan  # no output to remember yet
        return state

    def run(
        self,
        columns: Mapping[str, NDArray[np.generic]],
        offsets: Ints,
        state: Floats | None = None,
        emit_from: Ints | None = None,
        session_numbers: Ints | None = None,
        threads: int = 1,
        keeps_state: bool = True,
        exchanges: Ints | None = None,
    ) -> Result:
        """All features of all rows that are no context.

        Parameters
        ----------
        columns : (n,) numbers per name in ``inputs``; k series one after another, oldest row first, NaN is not known.
        offsets : (k + 1,) int; series i is rows offsets[i] to offsets[i + 1].
        state : (k, state_width) the state stored with each series' last context row; None: no series has a past.
        emit_from : (k,) int rows of each series that are context: read by windows, not emitted, not taken into recursive
            state again. At least ``lookback`` of them, or all there are when the series is younger. None: 0.
        session_numbers : (n,) int, place of each row's session in its exchange's calendar. Where it jumps, the series starts
            anew: windows fill again, recursive operators seed again, the state counts from there. A state goes on only
            where the first new row is the session right after its own. None: no session is missing anywhere.
        threads : of this process, over chunks of series; the values are the same however many.
        keeps_state : False where nobody will resume: the state of the result has no rows, and costs nothing.
        exchanges : (k,) int, equal for series whose rows of a session stand in one cross-section; None: all of them.

        Returns
        -------
        Result. A feature is NaN until its windows are full and its recursive operators seeded.

        Raises
        ------
        Permanent : a column is missing or of another length, offsets or emit_from out of range, a state of another width,
            context rows without their state, fewer or more context rows than the state has seen, or session numbers that
            do not rise within a series.
        """
        batch = self._checked(columns, offsets, state, emit_from)
        rows = int(batch.emitted[-1])
        # one block: the system gives large ones in large pages, and a page's first touch costs more than a row's features
        values = dict(zip(self.names, np.empty((len(self.names), rows)), strict=True))
        result = Result(values, np.empty((rows if keeps_state else 0, self.state_width)), batch.emitted)
        starts = unbroken(batch.offsets, session_numbers)
        runs = batch.in_runs(starts, self.start_state(len(starts) - 1))
        if state is None and not self.is_recursive:
            runs.state[:, SEEN] = runs.emit_from  # windows alone need no stored state: their context is all they know
        runs.check_context(self.lookback)
        emitted = runs.emitted

        def compute(chunk: tuple[int, int]) -> None:
            first, last = chunk
            with np.errstate(all="ignore"):  # what has no value becomes NaN by the operators' rules
                self._run_chunk(runs, first, last, slice(emitted[first], emitted[last]), result)

        if threads == 1:
            for chunk in _chunks(runs.offsets):
                compute(chunk)
        else:  # kernels and numpy let go of Python's lock
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(compute, _chunks(runs.offsets)))
        return result

    def _checked(
        self,
        columns: Mapping[str, NDArray[np.generic]],
        offsets: Ints,
        state: Floats | None,
        emit_from: Ints | None,
    ) -> Batch:
        starts = checked_offsets(offsets)
        begins = checked_emit_from(emit_from, starts)
        before = (
            self.start_state(len(begins)) if state is None else checked_state(state, (len(begins), self.state_width))
        )
        names = np.arange(len(begins))
        return Batch(checked_columns(columns, self.inputs, int(starts[-1])), starts, begins, before, names)

    def _run_chunk(self, batch: Batch, first: int, last: int, written: slice, result: Result) -> None:
        """Compute series ``first`` to ``last`` and write their emitted rows."""
        begin, end = batch.offsets[first], batch.offsets[last]
        chunk = _Chunk(
            {name: _lent(batch.columns[name][begin:end]) for name in self.inputs},
            batch.offsets[first : last + 1] - begin,
            batch.emit_from[first:last],
            batch.state[first:last],
            result.state[written],
        )
        kept: slice | NDArray[np.bool_] = slice(None)  # a mask costs as much as a kernel
        if len(chunk.after) or chunk.begins.any():
            lengths = np.diff(chunk.starts)
            position = np.arange(end - begin) - np.repeat(chunk.starts[:-1], lengths)
            is_new = position >= np.repeat(chunk.begins, lengths)
            kept = kept if is_new.all() else is_new
            if len(chunk.after):
                seen = np.repeat(chunk.before[:, SEEN] - chunk.begins, lengths) + position + 1
                chunk.after[:, SEEN] = seen[kept]
        for index, value in _evaluated(self.plan.steps, chunk):
            for name in self._named.get(index, ()):
                result.values[name][written] = value[kept]


@dataclass(frozen=True)
class _Chunk:
    """Whole series of one chunk: columns, where series start, rows of context, state before, state after (filled)."""

    columns: dict[str, Floats]
    starts: Ints
    begins: Ints
    before: Floats
    after: Floats


def _evaluated(steps: Sequence[Step], chunk: _Chunk) -> Iterator[tuple[int, Floats]]:
    """The column of each step, which is gone when no later one needs it: what is at hand fits the second-level cache."""
    values: dict[int, Value] = {}
    for index, step in enumerate(steps):
        if step.together:
            rows = _full(values[step.args[0]], chunk)
            values |= _rolled({at: cast(Window, steps[at].node) for at in step.together}, rows, chunk)
        elif index not in values:
            values[index] = _evaluate(step, [values[arg] for arg in step.args], chunk)
        yield index, cast(Floats, values[index])
        for done in step.frees:
            del values[done]


def _evaluate(step: Step, args: list[Value], chunk: _Chunk) -> Value:
    node = step.node
    if isinstance(node, Column):
        return chunk.columns[node.name]
    if isinstance(node, Constant):
        return np.float64(node.value)
    if isinstance(node, Elementwise):
        return ELEMENTWISE[node.operator](*args)
    full = [_full(arg, chunk) for arg in args]
    out = np.empty(len(full[0]))
    if isinstance(node, Window):
        least = max(node.least, windows.LEAST[node.operator])
        windows.paired(windows.PAIRS[node.operator], full[0], full[1], chunk.starts, node.n, least, out)
    elif isinstance(node, Recursive):
        _smooth(node, step.cells, full, chunk, out)
    return out


@dataclass(frozen=True)
class _Lent:
    """The same memory without its mark of being read-only, which numba compiles a kernel anew for; no kernel writes where it reads."""

    owner: Floats

    @property
    def __array_interface__(self) -> dict[str, Any]:
        told = self.owner.__array_interface__
        return {**told, "data": (told["data"][0], False)}


def _lent(values: NDArray[np.generic]) -> Floats:
    """A column as kernels take it: whole numbers and columns that do not lie end to end are copied, Arrow's memory is not."""
    plain = np.require(values, np.float64, ["C"])
    return plain if plain.flags.writeable or not len(plain) else np.asarray(_Lent(plain))


def _full(value: Value, chunk: _Chunk) -> Floats:
    """A whole column: as it is, or filled with a number. A broadcast one is read-only, which numba compiles a kernel anew for."""
    return value if isinstance(value, np.ndarray) and value.ndim else np.full(int(chunk.starts[-1]), value)


def _rolled(nodes: Mapping[int, Window], x: Floats, chunk: _Chunk) -> dict[int, Value]:
    """Windows of one length over one column, by step."""
    said = {
        at: ("quantile", 0.5) if one.operator == "median" else (one.operator, one.level or 0.0)
        for at, one in nodes.items()
    }
    order = sorted(nodes, key=lambda at: windows.CODES[said[at][0]])
    least = [max(nodes[at].least, windows.LEAST.get(nodes[at].operator, 1)) for at in order]
    codes, levels = [windows.CODES[said[at][0]] for at in order], [said[at][1] for at in order]
    out = np.empty((len(order), len(x)))
    windows.rolling(np.array(codes), x, chunk.starts, nodes[order[0]].n, np.array(least), np.array(levels), out)
    return dict(zip(order, out, strict=True))


def _smooth(node: Recursive, cells: tuple[int, int], args: list[Floats], chunk: _Chunk, out: Floats) -> None:
    begin, width = cells
    alpha = 2.0 / (node.n + 1) if node.operator == "ema" else 1.0 / max(node.n, 1)
    before = np.ascontiguousarray(chunk.before[:, begin : begin + width])
    after, code = np.empty((len(chunk.after), width)), recursion.CODES[node.operator]  # no rows: no state is kept
    recursion.smooth(code, alpha, args[0], args[-1], chunk.starts, chunk.begins, node.n, node.skip, before, out, after)
    chunk.after[:, begin : begin + width] = after


def _chunks(offsets: Ints) -> Iterator[tuple[int, int]]:
    """Runs of whole series of about CHUNK_ROWS rows; a longer series is a chunk of its own."""
    first = 0
    while first < len(offsets) - 1:
        last = int(np.searchsorted(offsets, offsets[first] + CHUNK_ROWS, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last
