"""Payloads spoilt in every way that a source, a proxy or a wire could spoil them. Which ones is decided by the seed alone.

What does not belong here: what must become of them (`tests/lake/test_mutated_payloads.py`).
"""

import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

BOMB_BYTES = 300_000_000
"""What a bomb unpacks to: more than anybody may hold."""

PAGE = "<!DOCTYPE html><html><head><title>Will be right back</title></head><body>점검 중</body></html>".encode()
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + b"".join(
        b'<!ENTITY lol%d "%s">' % (n, b"&lol%d;" % (n - 1) * 10 if n > 1 else b"&lol;" * 10) for n in range(1, 12)
    )
    + b"]><result><status>&lol11;</status></result>"
)
RAW = "\u2063raw:"
"""Begins a text that is put into the JSON as it is, without quotes."""

EDGES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**70), 10**40, 0.1, [], {}, [None], {"v": 1}, "", " ", "-", "0", "-0", "1,2,3",
    "1e400", "NaN", "Infinity", "천이백", "twelve", "일조 이천억원", "\x00", "005930\x00", "\ud800", "가" * 5000, "9" * 40, "٣٤٥", "१२",
    "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00", "2024-02-30", "2024-13-01T00:00:00Z", "20240230", "00010101",
    "Mon, 01 Jan 0001 00:00:00 +0900", "Fri, 31 Dec 9999 23:59:59 -0900", "Wed, 08 Mar 2023 14:18:00 +9999", "Wed, 99 Foo", "..",
    "../../../../etc/passwd", "http://[", "<b>" * 50, "'; DROP TABLE prices; --", 253402300800, 1e18, -1e18, 1e308,
    f"{RAW}1e400", f"{RAW}-1e400", f"{RAW}NaN", f"{RAW}-Infinity", f"{RAW}1{'0' * 40}", f"{RAW}{'9' * 4000}", f"{RAW}{'9' * 5000}",
    f"{RAW}{'[' * 400}{']' * 400}", f"{RAW}{'[' * 200_000}{']' * 200_000}", f"{RAW}{'7' * 300}.{'7' * 300}",
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A spoilt payload.

    Parameters
    ----------
    kind : how it was spoilt.
    at : where, as keys and places into the JSON; empty for the bytes as a whole.
    value, was : what stands there now, and what stood there.
    headers : of the answer, beside the usual ones.
    """

    kind: str
    payload: bytes
    at: tuple[Any, ...] = ()
    value: Any = None
    was: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind} at {'/'.join(map(str, self.at)) or 'the bytes'}: {str(self.value)[:60]!r}"


def mutants(payload: bytes, rng: random.Random, n: int) -> Iterator[Mutant]:
    """So many mutants of a payload; seven in ten of what its JSON says, the others, and all of a ZIP, of its bytes."""
    is_text = not zipfile.is_zipfile(io.BytesIO(payload))
    places = list(_places(json.loads(payload))) if is_text else []
    ways = _BYTES if is_text else [way for way in _BYTES if way is not _encoded]
    for _ in range(n):
        if places and rng.random() < 0.7:
            yield _of_tree(payload, rng, rng.choice(places))
        else:
            yield rng.choice(ways)(payload, rng)


def misplaced(payload: bytes, names: Collection[str]) -> Iterator[Mutant]:
    """Every text of EDGES in the first place of each of these keys, which has a text or a list of texts."""
    if zipfile.is_zipfile(io.BytesIO(payload)):
        return
    good = json.loads(payload)
    places = list(_places(good))
    for name in sorted(names):
        named = [at for at in places if name in at[-2:] and isinstance(_at(good, at), str)]
        for value in (edge for edge in EDGES if isinstance(edge, str) and not edge.startswith(RAW)) if named else ():
            tree = json.loads(payload)
            was = _at(tree, named[0])
            _at(tree, named[0][:-1])[named[0][-1]] = value
            yield Mutant("misplaced", _written(tree), named[0], value, was)


def _at(tree: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        tree = tree[key]
    return tree


def _places(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in the tree, a list's first and last three elements."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in pairs:
        if isinstance(node, list) and 3 <= key < len(node) - 3:
            continue
        yield (*at, key)
        yield from _places(child, (*at, key))


def _of_tree(payload: bytes, rng: random.Random, at: tuple[Any, ...]) -> Mutant:
    tree = json.loads(payload)
    parent = tree
    for key in at[:-1]:
        parent = parent[key]
    last, was = at[-1], parent[at[-1]]
    kind = rng.choice(("drop", "rename", "add", "value", "value", "value", "wrap", "word", "nothing"))
    value: Any = was
    if not isinstance(parent, dict) and kind in ("drop", "rename", "add"):
        kind = "value"
    if kind == "drop":
        del parent[last]
    elif kind == "rename":
        parent[f"{last}_NEW"] = parent.pop(last)
    elif kind == "add":
        parent["NEW_COLUMN"] = value = rng.choice(EDGES)
    else:
        value = {"value": rng.choice(EDGES), "wrap": [was], "word": f"약 {was}원" if not isinstance(was, dict | list) else "많음",
                 "nothing": None}[kind]  # fmt: skip
        parent[last] = value
    return Mutant(kind, _written(tree), at, None if kind == "drop" else value, was)


def _written(tree: Any) -> bytes:
    """JSON of the tree, raw texts without their quotes, a lone surrogate as its escape."""
    text = json.dumps(tree, ensure_ascii=False)
    while (begin := text.find(f'"{RAW}')) >= 0:
        end = text.index('"', begin + 1)
        text = text[:begin] + text[begin + 1 + len(RAW) : end] + text[end + 1 :]
    return text.replace("\ud800", "\\ud800").encode()


def _cut(payload: bytes, rng: random.Random) -> Mutant:
    return Mutant("cut", payload[: rng.randrange(len(payload))])


def _nulls(payload: bytes, rng: random.Random) -> Mutant:
    at = rng.randrange(len(payload))
    return Mutant("null bytes", payload[:at] + b"\x00" * rng.randint(1, 9) + payload[at:])


def _noise(payload: bytes, rng: random.Random) -> Mutant:
    spoilt = bytearray(payload)
    for _ in range(rng.randint(1, 20)):
        spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
    return Mutant("noise", bytes(spoilt))


def _encoded(payload: bytes, rng: random.Random) -> Mutant:
    name = rng.choice(("euc-kr", "cp949", "utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1"))
    return Mutant(f"encoding {name}", payload.decode().encode(name, "replace"), value=name)


def _empty(payload: bytes, rng: random.Random) -> Mutant:
    return Mutant("empty", rng.choice((b"", b" ", b"\n\n", b"null", b"0", b'""', b"[]", b"{}", b"true", b"\xff\xfe")))


def _deep(payload: bytes, rng: random.Random) -> Mutant:
    n, opens = rng.choice((900, 5000, 100_000)), rng.choice((b"[", b'{"a":'))
    closes = b"]" if opens == b"[" else b"}"
    return Mutant("deep", opens * n + (b"1" + closes * n) * rng.randint(0, 1))


def _many(payload: bytes, rng: random.Random) -> Mutant:
    return Mutant("many values", b"[" + b"[]," * 9_000_000 + b"0]")


def _page(payload: bytes, rng: random.Random) -> Mutant:
    return Mutant(
        "page",
        rng.choice((PAGE, LAUGHS, PAGE.decode().encode("euc-kr", "replace"))),
        headers={"Content-Type": "text/html"},
    )


def _zip(payload: bytes, rng: random.Random) -> Mutant:
    return Mutant("zip bomb", _zip_bomb())


def _packed(payload: bytes, rng: random.Random) -> Mutant:
    return Mutant("packed bomb", _gzip_bomb(), headers={"Content-Encoding": "gzip"})


def _wrongly_packed(payload: bytes, rng: random.Random) -> Mutant:
    return Mutant("wrongly packed", payload, headers={"Content-Encoding": rng.choice(("gzip", "deflate"))})


def _repeated(payload: bytes, rng: random.Random) -> Mutant:
    return Mutant("twice", payload + rng.choice((b"", b"\n")) + payload)


_BYTES: tuple[Callable[[bytes, random.Random], Mutant], ...] = (
    *(_cut, _nulls, _noise, _encoded, _empty, _deep, _page, _repeated, _wrongly_packed) * 6, _zip, _packed, _many,
)  # fmt: skip


BOMBS = (_zip, _packed, _many, _deep, _page)


@cache
def _gzip_bomb() -> bytes:
    packer = zlib.compressobj(
        9, zlib.DEFLATED, 16 + zlib.MAX_WBITS
    )  # in pieces: it is the reader's memory that is measured
    pieces = [packer.compress(b"[")] + [packer.compress(b" " * 1_000_000) for _ in range(BOMB_BYTES // 1_000_000)]
    return b"".join(pieces) + packer.flush()


@cache
def _zip_bomb() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("CORPCODE.xml", "w") as member:
        for _ in range(BOMB_BYTES // 1_000_000):
            member.write(b" " * 1_000_000)
    return kept.getvalue()
