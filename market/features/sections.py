"""Programs with cross-sections: stage by stage over all rows, then the rest with the sections' columns beside the others.

What does not belong here: how expressions are cut into stages (``stages``), what an operator does with a section (``cross``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market.errors import Permanent
from market.features.batch import Batch
from market.features.cross import CODES, Buckets, crossed
from market.features.definition import Feature
from market.features.engine import Program, Result
from market.features.nodes import Cross
from market.features.plan import plan
from market.features.stages import Stage, staged

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_APART: Final = 1_000_000
"""More than the sessions of any exchange: what keeps the sections of two exchanges apart."""


def compile_features(features: Sequence[Feature]) -> Program:
    """A program that computes ``features`` together, shared parts once.

    Raises
    ------
    Permanent : no feature, or two of one name.
    ExpressionError : a window over a cross-section of what has no finite lookback.
    """
    stages, left = staged([feature.expr for feature in features])
    if not stages:
        return Program(tuple(features), plan(features))
    rest = tuple(replace(feature, expr=expr) for feature, expr in zip(features, left, strict=True))
    final = Program(rest, plan(rest))
    return Staged(tuple(features), final.plan, tuple(map(_section, stages)), final)


@dataclass(frozen=True)
class Section:
    """Cross-sections that are computed at once.

    Parameters
    ----------
    program : of what they take.
    made : by name of the column that it becomes: the operator, and the name of its argument in ``program``.
    reach : sessions before the first new one for which the columns are read.
    """

    program: Program
    made: Mapping[str, tuple[Cross, str]]
    reach: int

    @property
    def state_width(self) -> int:
        """Numbers of the whole program's state that are this one's."""
        return self.program.state_width if self.program.is_recursive else 0


@dataclass(frozen=True)
class Staged(Program):
    """Compiled features some of which look across securities.

    Parameters
    ----------
    sections : in an order in which what one reads is made by those before it.
    final : the features with columns in place of their cross-sections.
    """

    sections: tuple[Section, ...]
    final: Program

    @cached_property
    def _stateful(self) -> tuple[Program, ...]:
        return (self.final, *(one.program for one in self.sections if one.state_width))

    @property
    def state_width(self) -> int:
        return sum(one.state_width for one in self._stateful)

    @property
    def state_layout(self) -> tuple[str, ...]:
        return tuple(name for one in self._stateful for name in one.state_layout)

    def start_state(self, k: int) -> Floats:
        return np.hstack([one.start_state(k) for one in self._stateful])

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
        """As ``Program.run``. Every series of an exchange must be there, those too that have context rows alone.

        Raises
        ------
        Permanent : no session numbers: nothing says which rows are of one session.
        """
        if session_numbers is None:
            do = "A cross-section needs to know which rows are of one session."
            raise Permanent("Program.run", expected="session_numbers", found="none", do=do)
        batch = self._checked(columns, offsets, state, emit_from)
        numbers, lengths = np.asarray(session_numbers, dtype=np.int64), np.diff(batch.offsets)
        exchange = (
            np.zeros(len(lengths), dtype=np.int64) if exchanges is None else np.asarray(exchanges, dtype=np.int64)
        )
        rows = _Rows(batch, numbers, np.repeat(exchange, lengths))
        given, at, states = dict(batch.columns), self.final.state_width, []
        for section in self.sections:
            own = None if state is None or not section.state_width else batch.state[:, at : at + section.state_width]
            at += section.state_width
            read = rows.read(section.reach)
            found = section.program.run(
                given,
                batch.offsets,
                own,
                rows.not_read(read),
                numbers,
                threads,
                keeps_state and bool(section.state_width),
            )
            states += [found.state] * bool(section.state_width)
            given |= rows.crossed(section, found.values, read, given)
        of_final = None if state is None else batch.state[:, : self.final.state_width]
        last = self.final.run(given, batch.offsets, of_final, batch.emit_from, numbers, threads, keeps_state)
        return replace(last, state=np.hstack([last.state, *states]))


@dataclass(frozen=True)
class _Rows:
    """The rows of a run: session numbers and exchanges, (n,) each."""

    batch: Batch
    numbers: Ints
    exchanges: Ints

    def read(self, reach: int) -> NDArray[np.bool_]:
        """(n,) rows that are new, or of one of so many sessions before the exchange's first new one."""
        position = np.arange(len(self.numbers)) - np.repeat(self.batch.offsets[:-1], np.diff(self.batch.offsets))
        is_new = position >= np.repeat(self.batch.emit_from, np.diff(self.batch.offsets))
        if not reach:
            return is_new
        first = np.full(int(self.exchanges.max(initial=-1)) + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, self.exchanges[is_new], self.numbers[is_new])
        return np.asarray(self.numbers >= first[self.exchanges] - reach)

    def not_read(self, is_read: NDArray[np.bool_]) -> Ints:
        """(k,) rows of each series before those that are read."""
        before = np.concatenate(([0], np.cumsum(~is_read)))[self.batch.offsets]
        return np.diff(before)

    def crossed(
        self, section: Section, values: Mapping[str, Floats], is_read: NDArray[np.bool_], given: Mapping[str, NDArray[np.generic]]
    ) -> dict[str, Floats]:  # fmt: skip
        """The section's columns; NaN on rows that nobody reads."""
        sections, buckets = self.exchanges * _APART + self.numbers, dict[str | None, Buckets]()
        made = {}
        for name, (node, arg) in section.made.items():
            if node.by not in buckets:
                groups = None if node.by is None else np.array(given[node.by], dtype=np.float64)
                buckets[node.by] = Buckets.of(sections, groups)
            full, made[name] = np.full(len(self.numbers), np.nan), np.empty(len(self.numbers))
            full[is_read] = values[arg]
            held = buckets[node.by]
            crossed(CODES[node.operator], node.level or 0.0, full, held.order, held.bounds, made[name])
        return made


def _section(stage: Stage) -> Section:
    names = [f"arg{at}" for at in range(len(stage.args))]
    taken = tuple(
        Feature(name, expr, "What a cross-section takes.", "1", "ours")
        for name, expr in zip(names, stage.args, strict=True)
    )
    return Section(
        Program(taken, plan(taken)), {n: (node, names[at]) for n, (node, at) in stage.made.items()}, stage.reach
    )
