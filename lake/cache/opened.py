"""From the setting to the cache that it names."""

from lake.cache.backend import Backend
from lake.cache.sqlite import SqliteCache
from lake.redis_client import is_redis
from lake.settings import Settings
from market.errors import Permanent

SQLITE = "sqlite:///"


def open_backend(settings: Settings) -> Backend:
    """The cache of the setting `cache_url`; nothing is connected or written yet.

    Raises
    ------
    Permanent
        The URL names no cache that we know.
    """
    url = settings.cache_url
    if url.startswith(SQLITE):
        return SqliteCache(settings.path(url.removeprefix(SQLITE)))
    if is_redis(url):
        from lake.cache.redis import RedisCache

        return RedisCache(url)
    expected = "sqlite:///file or redis://[:password@]host:port/db"
    raise Permanent("MARKETLAKE_CACHE_URL", expected=expected, found=url.split("://")[0] or "nothing")
