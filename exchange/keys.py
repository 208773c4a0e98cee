"""The keys that the simulated hosts accept, under the names that users' settings have.

What does not belong here: how a host checks a key; each wire does that as its real host does.
"""

from collections.abc import Mapping

from market.errors import Permanent

# Made up: they open nothing but this exchange. OpenDART keys have 40 characters, so ours has.
DEFAULT_KEYS: Mapping[str, str] = {
    "KRX_API_KEY": "exchange-krx-open-api-key-for-the-demo",
    "DART_API_KEY": "exchange0dart0key0for0the0demo0000000000",
    "NAVER_CLIENT_ID": "exchange-naver-client",
    "NAVER_CLIENT_SECRET": "exchange-naver-secret",
    "KAKAO_API_KEY": "exchange0kakao0rest0key000000000",
    "KRX_ID": "exchange-krx-member",
    "KRX_PASSWORD": "exchange-krx-password",
}

# Comma-separated services a KRX key is approved for; absent means all (the real host approves each API separately).
KRX_SERVICES = "KRX_SERVICES"


def accepted_keys(keys: Mapping[str, str] | None) -> dict[str, str]:
    """The keys a server accepts: the defaults, overridden by name.

    Raises
    ------
    Permanent : a name that no host knows.
    """
    given = dict(keys or {})
    unknown = sorted(set(given) - set(DEFAULT_KEYS) - {KRX_SERVICES})
    if unknown:
        known = ", ".join([*DEFAULT_KEYS, KRX_SERVICES])
        raise Permanent("exchange keys", expected=f"names among {known}", found=", ".join(unknown), do="Correct them.")
    return {**DEFAULT_KEYS, **given}
