"""A client of Redis for a setting's URL: never waits long, never tries a slow server twice.

What does not belong here: keys and what is kept under them (`lake.cache`, `lake.online_redis`).
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from market.errors import Permanent

if TYPE_CHECKING:
    import redis

SCHEMES = ("redis", "rediss")


def is_redis(url: str) -> bool:
    """True where the URL is one of Redis's: `redis://`, or `rediss://` with TLS."""
    return urlsplit(url).scheme in SCHEMES


def redis_client(url: str, setting: str, *, connect_s: float, answer_s: float) -> "redis.Redis":
    """A client that any number of threads may use; it connects when first asked.

    Parameters
    ----------
    url : `redis://[:password@]host:port/db`.
    setting : name of the setting that holds the URL, for the message.
    connect_s, answer_s : seconds to wait for a connection, and for each answer.

    Raises
    ------
    Permanent
        The URL cannot be read. The message does not repeat it: a password may be in it.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # A connection that the server closed (it was restarted) is opened again at once, a slow server is not asked twice.
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    try:
        return redis.Redis.from_url(
            url, socket_connect_timeout=connect_s, socket_timeout=answer_s, retry=retry, health_check_interval=0
        )
    except ValueError as error:
        expected = "redis://[:password@]host:port/db"
        raise Permanent(setting, expected=expected, found="a URL that cannot be read") from error
