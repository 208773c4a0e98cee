"""Packed online features in Redis: one hash per view, filled under another name and put in place by a rename.

A read is one HMGET in a transaction: the head and N securities, of one instant. A fill that dies leaves a hash that nobody
reads and that expires by itself.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from redis import RedisError
from redis.client import Pipeline

from lake.online_rows import Packed, chunks
from lake.online_stores import HEAD, SETTING, Blobs, same_head
from lake.redis_client import redis_client
from market.errors import Transient

CONNECT_S = 0.2
CHUNK = 500  # rows per command
UNFINISHED_S = 600  # a fill that takes longer is lost, and says so


class RedisOnlineRows:
    """Rows under `online:<view>`; the field of the head is empty."""

    name = "redis"

    def __init__(self, url: str, *, answer_s: float) -> None:
        self._client = redis_client(url, SETTING, connect_s=CONNECT_S, answer_s=answer_s)

    def replace(self, views: Mapping[str, Packed]) -> None:
        """Put these rows in place of all that the views hold; a reader sees all of them or none."""
        token = uuid.uuid4().hex
        with _answering():
            for view, packed in views.items():
                self._upload(_filling(view, token), packed)
            with self._client.pipeline(transaction=True) as pipe:
                for view in views:
                    pipe.rename(_filling(view, token), key_of(view))
                    pipe.persist(key_of(view))
                pipe.execute()

    def write(self, view: str, packed: Packed) -> None:
        """Put rows beside those that are there."""
        key = key_of(view)

        def put(pipe: Pipeline) -> None:
            held: Any = pipe.hget(key, HEAD)
            same_head(view, held, packed)
            pipe.multi()
            pipe.hset(key, mapping={HEAD: packed.head, **packed.rows})

        with _answering():
            self._client.transaction(put, key)

    def read(self, views: Sequence[str], security_ids: Sequence[str]) -> list[Blobs]:
        """Head and rows of each view, of one instant."""
        fields = [HEAD, *security_ids]
        with _answering():
            if len(views) == 1:
                found: list[Any] = [self._client.hmget(key_of(views[0]), fields)]
            else:
                with self._client.pipeline(transaction=True) as pipe:
                    for view in views:
                        pipe.hmget(key_of(view), fields)
                    found = pipe.execute()
        return [(head, rows) for head, *rows in found]

    def forget(self, view: str) -> None:
        """Remove the view."""
        with _answering():
            self._client.unlink(key_of(view))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _upload(self, key: str, packed: Packed) -> None:
        for part in chunks([(HEAD, packed.head), *packed.rows.items()], CHUNK):
            with self._client.pipeline(transaction=True) as pipe:
                pipe.hset(key, mapping=part)  # type: ignore[arg-type]
                pipe.expire(key, UNFINISHED_S)
                pipe.execute()
        # One that vanished on the way, by its time or put out, began anew in the middle.
        n_sent, n_kept = 1 + len(packed.rows), int(self._client.hlen(key))  # type: ignore[arg-type]
        if n_kept != n_sent:
            raise Transient(
                "online store", expected=f"{n_sent} fields of an unfinished fill in Redis", found=f"{n_kept}", keys=[key],
                do=f"It holds what it held. Fill it again, within {UNFINISHED_S} s, in a Redis with memory left",
            )  # fmt: skip


def key_of(view: str) -> str:
    """The key of the view's hash."""
    return f"online:{view}"


def _filling(view: str, token: str) -> str:
    return f"{key_of(view)}:filling:{token}"


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        found = str(error) or type(error).__name__
        raise Transient("online store", expected="an answer of Redis", found=found) from error
