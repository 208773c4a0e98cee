"""The bytes of an answer: unpacked as they come, never more than a bound, and whether what they say may be held at all.

A few kilobytes may unpack to gigabytes, and a few megabytes of `[],[],` become twenty times that once they are objects.
"""

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

ACCEPTED = "gzip"
"""What may be packed how: one packing, which we unpack ourselves."""

MOST_VALUES = 1_500_000
"""Of one answer: all that SEC tells of its largest companies is below 700,000."""

_GZIP = 16 + zlib.MAX_WBITS
_CHUNK = 1 << 20
_PART = 1 << 16
_BEGINNING = 1_000_000


class TooLarge(ValueError):
    """More than may be held; asking again brings the same."""


def read(parts: Iterable[bytes], encoding: str, most_bytes: int) -> tuple[bytes, str]:
    """The unpacked bytes, the first `most_bytes` of them, and what was wrong with them; empty where nothing was.

    Parameters
    ----------
    parts : the bytes as they came.
    encoding : the answer's Content-Encoding.

    Raises
    ------
    TooLarge
        There is more; its argument holds the beginning, a megabyte at most.
    """
    kept, flaw = bytearray(), ""
    packed = encoding.strip().lower() not in ("", "identity")
    unpacker = zlib.decompressobj(_GZIP) if packed else None
    for part in parts:
        try:
            pieces = _unpacked(unpacker, part) if unpacker and not flaw else (part,)
            for piece in pieces:
                kept += piece[: most_bytes - len(kept) + 1]
                if len(kept) > most_bytes:
                    raise TooLarge(bytes(kept[: min(most_bytes, _BEGINNING)]))
        except zlib.error:
            flaw = f"bytes said to be packed as {encoding}, which they are not"
            kept += part[: max(0, most_bytes - len(kept))]
    if unpacker and not flaw and not unpacker.eof:
        flaw = f"bytes packed as {encoding} that break off"
    return bytes(kept), flaw


def of_zip(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most_bytes: int) -> Iterator[bytes]:
    """The parts of a file in a ZIP, counted while it unpacks: what a header says of its size may be wrong.

    Raises
    ------
    TooLarge
        There is more than so many bytes.
    """
    n_bytes = 0
    with archive.open(member) as opened:
        while part := opened.read(_PART):
            n_bytes += len(part)
            if n_bytes > most_bytes:
                raise TooLarge(f"more than {most_bytes} bytes in {member.filename}")
            yield part


def _unpacked(unpacker: Any, part: bytes) -> Iterable[bytes]:
    left = part
    while left and not unpacker.eof:
        yield unpacker.decompress(left, _CHUNK)
        left = unpacker.unconsumed_tail


def parsed(payload: bytes) -> Any:
    """The JSON of a payload.

    Raises
    ------
    TooLarge
        It holds more values than anybody sends.
    ValueError
        It is none; it nests too deeply; it has numbers that are none (NaN) or texts that no encoding can write.
    """
    n_values = payload.count(b",") + payload.count(b"[") + payload.count(b"{")
    if n_values > MOST_VALUES:
        raise TooLarge(f"more than {MOST_VALUES:,} values")
    try:
        body = json.loads(payload, parse_constant=_refuse)
        if b"\\ud" in payload or b"\\uD" in payload:  # half of a surrogate pair passes json, and nothing after it
            json.dumps(body, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("values nested too deeply") from None
    return body


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} where a number belongs")
