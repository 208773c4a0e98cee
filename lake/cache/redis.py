"""The cache of answers in Redis 8 or Valkey 9: a hash per key, a field per variant, each field with its own time to live."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import RedisError, ResponseError

from lake.cache.backend import VARIANTS, Slot
from lake.redis_client import redis_client
from market.errors import Permanent, Transient

CONNECT_S, ANSWER_S = 0.1, 0.2
SETTING = "MARKETLAKE_CACHE_URL"


class RedisCache:
    """Values under the slots' keys.

    The key expires after its last field, so that `maxmemory-policy volatile-lru` may put it out: Redis does not count a
    hash as volatile for the times of its fields.
    """

    name = "redis"

    def __init__(self, url: str) -> None:
        self._client = redis_client(url, SETTING, connect_s=CONNECT_S, answer_s=ANSWER_S)

    def get(self, slot: Slot, variant: str) -> bytes | None:
        """The value; None where there is none, or its time is over."""
        with _answering():
            value = self._client.hget(slot.key, variant)
        return bytes(value) if value is not None else None  # type: ignore[arg-type]

    def put(self, slot: Slot, variant: str, value: bytes) -> None:
        """Keep the value for the slot's time, instead of the one before."""
        with _answering():
            if self._put(slot, variant, value) > VARIANTS:
                self._client.unlink(slot.key)
                self._put(slot, variant, value)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _put(self, slot: Slot, variant: str, value: bytes) -> int:
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hsetex(slot.key, variant, value, ex=slot.ttl_s)  # type: ignore[arg-type]
            pipe.expire(slot.key, slot.ttl_s)
            pipe.hlen(slot.key)
            return int(pipe.execute()[-1])


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        found = str(error) or type(error).__name__
        if isinstance(error, ResponseError) and "unknown command" in found:  # HSETEX is younger than its fields' times
            raise Permanent(SETTING, expected="Redis 8.0 or later, or Valkey 9.0 or later", found=found) from error
        raise Transient("cache", expected="an answer of Redis", found=found) from error
