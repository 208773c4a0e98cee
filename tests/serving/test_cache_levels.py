"""The parts of the cache in this process: whole answers by URL, one question for many, and the form of a question."""

import asyncio
import contextvars
import threading
import time
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pyarrow as pa
import pytest
from anyio import to_thread
from hypothesis import given
from hypothesis import strategies as st

from lake.releases import Release
from lake.settings import Settings
from lake.sql import ReleaseSql, asking
from market.errors import Permanent, Transient
from serving import cache
from serving.cache_flights import Flights
from serving.cache_front import Front, has_tag
from serving.deps import Span
from serving.metrics import Metrics
from serving.paging import Page

EDITION = b"r00001 aa"


def scope(path="/api/v1/market/summary", query=b"", headers=()):
    return {"path": path, "query_string": query, "headers": list(headers), "method": "GET"}


def keep(front, at, body=b"{}", seconds=30):
    front.keep(EDITION, at, seconds=seconds, body=body, tag='"t"', release_id="r00001", route="/r")


def test_a_front_answers_the_very_url_in_the_very_edition_until_its_time_is_over():
    now = [0.0]
    front = Front(clock=lambda: now[0])
    keep(front, scope(query=b"limit=1"))
    assert front.find(EDITION, scope(query=b"limit=1")).body == b"{}"
    for other in (scope(query=b"limit=2"), scope(), scope("/api/v1/other", b"limit=1")):
        assert front.find(EDITION, other) is None
    assert front.find(b"r00002 bb", scope(query=b"limit=1")) is None
    now[0] = 30.0
    assert front.find(EDITION, scope(query=b"limit=1")) is None
    assert (len(front), front.n_bytes) == (0, 0)


def test_a_front_stays_within_its_bytes_and_lets_the_least_recently_used_go():
    front = Front(max_bytes=100_000)
    for i in range(200):
        keep(front, scope(query=f"{i}".encode()), b"x" * 5000)
        front.find(EDITION, scope(query=b"0"))
        assert front.n_bytes <= 100_000
    assert front.find(EDITION, scope(query=b"0")), "it was used all the time"
    assert front.find(EDITION, scope(query=b"1")) is None
    keep(front, scope(query=b"huge"), b"x" * 50_000)
    assert front.find(EDITION, scope(query=b"huge")) is None
    front.clear()
    assert (len(front), front.n_bytes) == (0, 0)


def test_a_tag_is_found_among_others():
    assert has_tag(['"x", W/"t"'], '"t"') and has_tag(["*"], '"t"')
    assert not has_tag(['"x"'], '"t"') and not has_tag([], '"t"')


def threaded(question):
    """The question, asked in a thread."""
    return lambda: to_thread.run_sync(question)


def test_equal_questions_at_once_are_one():
    asked = []

    def question():
        asked.append(1)
        time.sleep(0.1)
        return b"answer"

    async def many():
        flights = Flights()
        found = await asyncio.gather(
            *(flights.ask("k", threaded(question)) for _ in range(60)), flights.ask("other", threaded(question))
        )
        assert len(flights) == 0
        return found

    assert set(asyncio.run(many())) == {b"answer"}
    assert len(asked) == 2


@pytest.mark.parametrize(("failure", "questions"), [(Transient, 2), (Permanent, 1), (ZeroDivisionError, 1)])
def test_a_failure_reaches_all_who_wait_and_a_passing_one_is_tried_once_more(failure, questions):
    asked = []

    def question():
        asked.append(1)
        time.sleep(0.05)
        raise failure("it")

    async def many():
        flights = Flights()
        return await asyncio.gather(*(flights.ask("k", threaded(question)) for _ in range(30)), return_exceptions=True)

    found = asyncio.run(many())
    assert {type(one) for one in found} == {failure}
    assert len(asked) == questions


def test_those_who_joined_a_question_that_failed_in_passing_share_the_second():
    asked = []

    def question():
        asked.append(1)
        time.sleep(0.05)
        if len(asked) == 1:
            raise Transient("it")
        return b"answer"

    async def many():
        flights = Flights()
        return await asyncio.gather(*(flights.ask("k", threaded(question)) for _ in range(30)), return_exceptions=True)

    found = asyncio.run(many())
    assert [type(found[0]), *found[1:]] == [Transient, *[b"answer"] * 29]
    assert len(asked) == 2


class Query:
    """Runs until it is interrupted."""

    def __init__(self):
        self.began, self.interrupted = threading.Event(), threading.Event()

    def interrupt(self):
        self.interrupted.set()

    def __call__(self):
        with asking.current.get().running(self):
            self.began.set()
            if self.interrupted.wait(5):
                raise Transient("query", found="interrupted")
            return b"never"


async def waiting(flights, query, askers):
    """A task per asker, each in a context of its own."""
    tasks = []
    for asker in askers:
        context = contextvars.copy_context()
        context.run(asking.current.set, asker)
        tasks.append(asyncio.get_running_loop().create_task(flights.ask("k", threaded(query)), context=context))
    await asyncio.to_thread(query.began.wait, 5)
    return tasks


def test_a_question_ends_when_the_last_who_waits_has_left_and_not_before():
    async def leave():
        flights, query, askers = Flights(), Query(), [asking.Asking() for _ in range(3)]
        tasks = await waiting(flights, query, askers)
        for asker in askers[:2]:
            asker.leave()
        await asyncio.sleep(0.1)
        assert not query.interrupted.is_set(), "one still waits"
        askers[2].leave()
        assert query.interrupted.is_set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(one) for one in asyncio.run(leave())} <= {Transient, asking.Cancelled}


def test_a_request_that_is_cancelled_takes_nothing_from_the_others():
    done = threading.Event()

    def question():
        done.wait(5)
        return b"answer"

    async def cancel():
        flights = Flights()
        first, second = (asyncio.ensure_future(flights.ask("k", threaded(question))) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        await asyncio.sleep(0.05)
        done.set()
        return await second

    assert asyncio.run(cancel()) == b"answer"


def test_who_comes_after_all_have_left_asks_anew():
    async def come():
        flights, query, asker = Flights(), Query(), asking.Asking()
        (task,) = await waiting(flights, query, [asker])
        asker.leave()
        assert await flights.ask("k", threaded(lambda: b"anew")) == b"anew"
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(come())


def test_equal_questions_right_after_a_switch_are_one_query(tmp_path):
    """Nobody knows yet what codes mean in the release; some come while that is read, some after."""
    at = datetime(2024, 5, 3, tzinfo=UTC)
    settings = Settings(_env_file=None).model_copy(update={"cache_url": f"sqlite:///{tmp_path}/cache.db"})
    answers = cache.Answers(
        settings, Metrics(SimpleNamespace(failure="", release=None), SimpleNamespace(all=lambda: []))
    )
    looked_up, queried = [], []

    class Slow(ReleaseSql):
        def __init__(self):
            self._begin(Release("r00001", "data", at, at, "0" * 40, False, "krx-1", {}, "a", "b"))

        def query(self, sql, params=()):
            looked_up.append(sql)
            time.sleep(0.1)
            version = {
                "security_id": "XKRX:005930",
                "symbol": "005930",
                "known_at": at,
                "known_until": None,
                "place": 0,
            }
            return pa.Table.from_pylist([version])

    sql = Slow()

    def query(security):
        queried.append(security)
        time.sleep(0.2)
        return b"{}"

    async def ask(number):
        await asyncio.sleep(number * 0.02)
        return await cache.Asked(answers, {}).of_security(sql, "005930", cache.price, "limit=250", query)

    async def many():
        return await asyncio.gather(*(ask(number) for number in range(10)))

    assert {answer.body for answer in asyncio.run(many())} == {b"{}"}
    assert (len(looked_up), queried) == (1, ["XKRX:005930"])
    answers.close()


def test_a_question_has_one_form():
    span, page = Span(None, date(2024, 5, 3)), Page(250)
    assert cache.variant(span, page, as_of=None, adjust=None) == "limit=250&to=2024-05-03"
    assert len(cache.variant(span, Page(250, "x" * 2000))) == 64
    names = ("rsi_14", "macd", "return_1d")
    assert cache.indicators([], names, "X").key == "stock:indicators:X:all"
    assert cache.indicators([*reversed(names)], names, "X").key == "stock:indicators:X:all"
    assert cache.indicators(["rsi_14", "macd", "macd"], names, "X").key == "stock:indicators:X:macd,rsi_14"
    assert (cache.price("X").ttl_s, cache.indicators([], names, "X").ttl_s, cache.SUMMARY.ttl_s) == (30, 300, 60)
    assert (cache.price("X").key, cache.SUMMARY.key) == ("stock:price:X", "market:summary")


QUESTIONS = st.fixed_dictionaries({
    "start": st.none() | st.dates(), "end": st.none() | st.dates(), "limit": st.integers(1, 1000),
    "cursor": st.none() | st.text(max_size=30), "exchange": st.none() | st.text(max_size=10),
    "market": st.none() | st.text(max_size=10),
})  # fmt: skip


@given(QUESTIONS, QUESTIONS)
def test_two_questions_have_one_form_only_where_they_are_equal(one, other):
    def form(q):
        span, page = Span(q["start"], q["end"]), Page(q["limit"], q["cursor"])
        return cache.variant(span, page, exchange=q["exchange"], market=q["market"])

    assert (form(one) == form(other)) == (one == other)
