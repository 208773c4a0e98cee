"""The landing zone: every payload as it came, in a file named by what it holds. Nothing here is ever changed."""

import hashlib
import re
from datetime import date
from typing import Protocol

from lake.objects import Store


class Payload(Protocol):
    """What is landed: a delivery, or a reply that was refused (`lake.host.Refused`)."""

    @property
    def source(self) -> str:
        """Who sent it."""

    @property
    def session_date(self) -> date:
        """The session asked for."""

    @property
    def suffix(self) -> str:
        """A word for people."""

    @property
    def payload(self) -> bytes:
        """The bytes as they came."""


def digest(payload: bytes) -> str:
    """SHA-256 (hex) of a payload as it came."""
    return hashlib.sha256(payload).hexdigest()


def path_of(delivery: Payload, payload_digest: str) -> str:
    """`landing/<source>/<session>/<first 16 digits>-<word>.json`, relative to the lake's root; `.zip` where it is one."""
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", delivery.suffix).strip("-.") or "payload"
    kind = "zip" if delivery.payload.startswith(b"PK") else "json"
    return f"landing/{delivery.source}/{delivery.session_date}/{payload_digest[:16]}-{word}.{kind}"


def land(store: Store, delivery: Payload) -> tuple[str, str]:
    """Digest and path of the delivery's payload, which is then on disk; written once, however often it comes."""
    found = digest(delivery.payload)
    path = path_of(delivery, found)
    store.put_if_absent(path, delivery.payload)
    return found, path
