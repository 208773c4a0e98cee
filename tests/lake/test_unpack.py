"""An answer is unpacked within a bound, and JSON that nobody could hold or write again is none."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.unpack import MOST_VALUES, TooLarge, parsed, read

MOST = 10_000


@given(st.binary(max_size=3000), st.integers(1, 700))
def test_packed_bytes_come_out_as_they_went_in_however_they_are_cut(payload: bytes, size: int) -> None:
    packed = gzip.compress(payload)
    parts = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert read(parts, "gzip", MOST) == (payload, "")


@given(st.binary(max_size=3000))
def test_bytes_that_are_not_packed_stay_as_they_are(payload: bytes) -> None:
    assert read([payload[:7], payload[7:]], "", MOST) == (payload, "")
    assert read([payload], "identity", MOST) == (payload, "")


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_more_than_the_bound_is_refused_with_its_beginning(encoding: str) -> None:
    payload = b"[" + b" " * 3_000_000
    with pytest.raises(TooLarge) as caught:
        read([gzip.compress(payload) if encoding else payload], encoding, MOST)
    assert caught.value.args[0] == payload[:MOST]


def test_as_much_as_the_bound_is_taken() -> None:
    assert read([gzip.compress(b"a" * MOST)], "gzip", MOST) == (b"a" * MOST, "")


def test_bytes_that_are_not_packed_as_they_say_are_kept_and_told() -> None:
    payload, flaw = read([b'{"a":', b"1}"], "gzip", MOST)
    assert payload == b'{"a":1}'
    assert "packed as gzip, which they are not" in flaw


def test_packed_bytes_that_break_off_are_told() -> None:
    payload, flaw = read([gzip.compress(b"a" * 100 + bytes(range(200)))[:-20]], "gzip", MOST)
    assert payload.startswith(b"aaa") and "break off" in flaw


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"val": NaN}', "NaN where a number belongs"),
        (b'{"val": -Infinity}', "-Infinity where a number belongs"),
        (b'{"name": "\\ud800"}', "surrogates not allowed"),
        (b'{"\\ud800": 1}', "surrogates not allowed"),
        (b'{"val": ' + b"9" * 5000 + b"}", "4300"),
    ],
)
def test_json_that_nobody_could_hold_or_write_again_is_none(payload: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parsed(payload)


def test_more_values_than_anybody_sends_are_not_made() -> None:
    with pytest.raises(TooLarge, match="values"):
        parsed(b"[" + b"[]," * (MOST_VALUES // 2 + 1) + b"0]")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=5),
    )
)
def test_all_other_json_is_what_json_says(value: object) -> None:
    assert parsed(json.dumps(value).encode()) == value
