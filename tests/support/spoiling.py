"""What must become of a source's spoilt answers: rows, or a clear error that keeps them.

Run as a program it says how much memory that took: `python -m tests.support.spoiling FILE`, of takings by `as_plain`.
"""

import json
import pickle
import random
import re
import resource
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from lake.delivery import Delivery
from lake.host import refused_in
from lake.settings import Settings
from lake.world import World
from market.errors import MarketlakeError
from tests.support.mutants import BOMBS, Mutant, misplaced, mutants
from tests.support.tape import Key, Still, Taking, Tape

SEED = 20240503
Counts = Counter[tuple[str, str]]
Onward = Callable[[Sequence[Delivery]], None]


def spoil(taking: Taking, n: int, onward: Onward) -> Counter[str]:
    """How many mutants became rows, and how many an error; the first that became neither fails.

    Parameters
    ----------
    onward : is given the deliveries of a mutant that became rows.
    """
    rng, keys = random.Random(SEED), sorted(_read(taking))
    good, outcomes = counts(list(taking.deliveries())), Counter[str]()
    for turn in range(n):
        key = keys[turn % len(keys)]
        mutant = next(mutants(taking.tape.answers[key], rng, 1))
        try:
            outcomes[_outcome(taking, key, mutant, good, onward)] += 1
        except Exception as error:
            raise AssertionError(f"{taking.source} {key[0]}?{key[1]}: {mutant}") from error
    return outcomes


def misplace(taking: Taking, onward: Onward) -> Counter[str]:
    """What becomes of every strange text in each place that decides where a row belongs; no row may be lost by nonsense."""
    good, outcomes = counts(list(taking.deliveries())), Counter[str]()
    done: set[str] = set()
    for key, payload in sorted(_read(taking).items()):
        for mutant in misplaced(payload, PLACING.keys() - done):
            done.update(PLACING.keys() & set(map(str, mutant.at)))
            try:
                outcomes[_outcome(taking, key, mutant, good, onward)] += 1
            except Exception as error:
                raise AssertionError(f"{taking.source} {key[0]}?{key[1]}: {mutant}") from error
    return outcomes


def _read(taking: Taking) -> dict[Key, bytes]:
    """The answers that a client reads: a page for people that only brings a cookie is none."""
    return {key: payload for key, payload in taking.tape.answers.items() if not payload.lstrip().startswith(b"<")}


def _outcome(taking: Taking, key: Key, mutant: Mutant, good: Counts, onward: Onward) -> str:
    """`rows` or `error`; anything else is an exception or a failed assertion."""
    came: list[Delivery] = []
    try:
        with closing(taking.deliveries(key, mutant)) as deliveries:
            for delivery in deliveries:
                came.append(delivery)
                if delivery.problem is not None:
                    raise delivery.problem
    except MarketlakeError as told:
        error: MarketlakeError | None = told
    else:
        error = None
    if error is not None:
        assert error.where and error.expected and error.found, error
        str(error).encode()
        refused = refused_in(error)
        payloads = [d.payload for d in came] + ([refused.payload] if refused else [])
        assert _is_kept(mutant, payloads), f"the payload is lost: {error}"
        return "error"
    onward([d for d in came if d.rows.num_rows])
    lost = good - counts(came)
    is_one_headline = not ONE_HEADLINE & set(mutant.at[-2:]) or lost.total() <= 1
    assert not lost or (_is_said(mutant) and is_one_headline) or _is_noted(mutant, came), f"lost without a word: {lost}"
    return "rows"


def counts(deliveries: Sequence[Delivery]) -> Counts:
    """Rows by table and request."""
    found: Counts = Counter()
    for delivery in deliveries:
        found[delivery.table, delivery.request] += delivery.rows.num_rows
    return found


def _is_kept(mutant: Mutant, payloads: Sequence[bytes]) -> bool:
    """The payload as it came is among those kept; of what unpacks to more than may be held its beginning, of nothing nothing."""
    if mutant.kind == "packed bomb":
        return any(payload.startswith(b"[   ") for payload in payloads)
    return not mutant.payload or mutant.payload in payloads


def _is_said(mutant: Mutant) -> bool:
    """True where the payload itself, read by anybody, holds fewer of the rows asked for.

    Whole parts may always be absent; a filing, a figure or a headline of another day belongs to another session, a page of another
    host is no news; a ticker of another name is another security, and that ours has none is told in the log; a filing of another name
    is another filing, whose figures nobody has. Nonsense in the same place puts a row nowhere, and excuses nothing.
    """
    if isinstance(mutant.was, dict | list):
        return mutant.value in (None, [], {})
    return any(
        _place(read, mutant.value) not in (None, _place(read, mutant.was))
        for name, read in PLACING.items()
        if name in mutant.at[-2:]
    )


def _is_noted(mutant: Mutant, came: Sequence[Delivery]) -> bool:
    """True where the new name of what was renamed is among the unknown columns, which ops.drift keeps and the watch tells."""
    renamed = f"{mutant.at[-1]}_NEW" if mutant.kind == "rename" else None
    return any(name.rpartition(".")[2] == renamed for delivery in came for name in delivery.unknown)


def _place(read: Callable[[str], object], value: Any) -> object:
    """Where a text puts its row; None where it is no text, or nonsense."""
    try:
        return read(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, LookupError, OSError):
        return None


def _instant(text: str) -> datetime | None:
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else None


def _published(text: str) -> datetime | None:
    at = parsedate_to_datetime(text)
    return at.astimezone(UTC) if at.tzinfo else None


PLACING: Mapping[str, Callable[[str], object]] = {
    "acceptanceDateTime": _instant,
    "filed": date.fromisoformat,
    "pubDate": _published,
    "datetime": _instant,
    "url": lambda text: urlsplit(text).hostname,
    "ticker": lambda text: text if re.fullmatch(r"[A-Z0-9][A-Z0-9./-]{0,11}", text) else None,
    "report_nm": lambda text: text.strip() if re.search("[가-힣]", text) else None,
    "exchangeTimezoneName": lambda text: ZoneInfo(text).key,
}
"""Keys of payloads whose value decides where a row belongs, and what reads it."""
ONE_HEADLINE = {"pubDate", "datetime", "url"}
"""Of these, the keys that place one row and no other."""


def as_plain(taking: Taking) -> dict[str, Any]:
    """What makes the taking in another process."""
    context = taking.context
    world = {name: getattr(context.world, name) for name in ("name", "price_basis", "simulated", "covered", "days")}
    plain = {"source": taking.source, "sessions": taking.sessions, "answers": taking.tape.answers, "world": world}
    secrets = {k: getattr(context.settings, k) for k in Settings.model_fields}
    return {**plain, "companies": context.companies, "now": context.now, "settings": secrets}


def _of_plain(plain: dict[str, Any]) -> Taking:
    settings = Settings(_env_file=None, **plain["settings"])  # type: ignore[call-arg, unused-ignore]
    context = Still(
        settings, World(**plain["world"], settings=settings), companies=plain["companies"], now=plain["now"]
    )
    return Taking(plain["source"], plain["sessions"], context, Tape(answers=plain["answers"]))


def main(file: Path) -> None:
    """Every bomb and some mutants for each source; prints the memory that the good payloads took, and what the spoilt ones added, as JSON."""
    takings = [_of_plain(plain) for plain in pickle.loads(file.read_bytes())]
    goods = [counts(list(taking.deliveries())) for taking in takings]
    before = _megabytes()
    for taking, good in zip(takings, goods, strict=True):
        for key, payload in list(_read(taking).items())[:2]:
            for bomb in BOMBS:
                assert _outcome(taking, key, bomb(payload, random.Random(SEED)), good, lambda came: None) == "error"
        spoil(taking, 50, lambda came: None)
    print(json.dumps({"before": before, "more": _megabytes() - before}))


def _megabytes() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
