"""OpenDART's zipped list of companies: the listed ones, streamed; bombs, broken and foreign bodies are refused."""

import io
import tracemalloc
import zipfile
from datetime import UTC, datetime

import pytest

from lake import dart_codes
from lake.delivery import SchemaDrift
from lake.host import Answer

ROW = (
    "<list><corp_code>{code}</corp_code><corp_name>{name}</corp_name><corp_eng_name>E</corp_eng_name>"
    "<stock_code>{stock}</stock_code><modify_date>20230110</modify_date></list>"
)


def packed(xml: bytes | str, *more: str) -> bytes:
    """A ZIP of the XML, and of further files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("CORPCODE.xml", *more):
            archive.writestr(name, xml)
    return out.getvalue()


def told(payload: bytes) -> Answer:
    return Answer(payload, payload, 200, "https://dart/api/corpCode.xml", "GET /api/corpCode.xml", datetime.now(UTC))


def result(*rows: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><result>{"".join(rows)}</result>'


def test_companies_with_a_share_are_kept_with_their_place() -> None:
    rows = [ROW.format(code=f"{n:08d}", name="가 &amp; 나", stock=" " if n % 2 else f"{n:06d}") for n in range(6)]
    found = dart_codes.companies(told(packed(result(*rows))))
    assert found["stock_code"].to_pylist() == ["000000", "000002", "000004"]
    assert found["row_no"].to_pylist() == [0, 2, 4]
    assert set(found["corp_name"].to_pylist()) == {"가 & 나"}


def test_a_list_of_any_length_is_read_in_little_memory() -> None:
    row = ROW.format(code="00000001", name="x" * 40, stock=" ")
    payload = packed(result(row * 120_000 + ROW.format(code="00000002", name="x", stock="000020")))
    tracemalloc.start()
    assert dart_codes.companies(told(payload)).num_rows == 1
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(row) * 120_000 > 20_000_000
    assert most < 4_000_000


@pytest.mark.parametrize(
    ("xml", "found"),
    [
        (result(ROW.format(code="1", name="", stock="000020").replace("stock_code", "stock_cd")), "none of stock_code"),
        (result(ROW.format(code="1", name="", stock=" ").replace("list>", "item>")), "none"),
        (result(), "none"),
    ],
)
def test_a_list_whose_fields_have_other_names_is_drift_and_no_empty_list(xml: str, found: str) -> None:
    with pytest.raises(SchemaDrift, match=found):
        dart_codes.companies(told(packed(xml)))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dart_codes, "MOST_XML_BYTES", 2_000_000)
    payload = packed(result(ROW.format(code="1", name="", stock=" ") * 30_000))
    assert len(payload) < 40_000
    with pytest.raises(SchemaDrift, match="at most 2000000 bytes"):
        dart_codes.companies(told(payload))


def test_entities_are_refused_before_any_is_expanded() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "lol">{laughs}]><result><list><corp_code>&l9;</corp_code></list></result>'
    with pytest.raises(SchemaDrift, match="without a document type"):
        dart_codes.companies(told(packed(bomb)))


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (packed("<result><list>"), "a ZIP of one XML file"),
        (packed(b"\xff\xfe\x00"), "a ZIP of one XML file"),
        (packed(result(), "second.xml"), "one file in the ZIP"),
        (packed(result("<list><corp_code>1</corp_code><stock_code>005930</stock_code></list>")), "corp_eng_name"),
        (packed(result(f"<list><corp_name>{'x' * 20_000}</corp_name></list>")), "texts up to"),
    ],
)
def test_another_content_is_drift(payload: bytes, words: str) -> None:
    with pytest.raises(SchemaDrift, match=words):
        dart_codes.companies(told(payload))


def test_a_damaged_zip_is_refused_or_says_what_the_whole_one_says_wherever_it_is_damaged() -> None:
    whole = packed(result(ROW.format(code="00126380", name="삼성전자", stock="005930")))
    good, n_refused = dart_codes.companies(told(whole)), 0
    for at in range(len(whole)):
        damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        try:
            dart_codes.ZIP.held_in(damaged)
            assert dart_codes.companies(told(damaged)).equals(good)
        except (ValueError, SchemaDrift):
            n_refused += 1
    assert n_refused > len(whole) / 4


def test_an_error_comes_as_xml_under_any_content_type_and_a_cut_zip_is_no_zip() -> None:
    error = '<?xml version="1.0"?><result><status>010</status><message>등록되지 않은 키</message></result>'.encode()
    assert dart_codes.ZIP.held_in(error) == {"status": "010", "message": "등록되지 않은 키"}
    assert dart_codes.ZIP.held_in(b'{"status":"800","message":"x"}') == {"status": "800", "message": "x"}
    whole = packed(result())
    assert dart_codes.ZIP.held_in(whole) == whole
    for broken in (whole[: len(whole) // 2], b"", b"<!DOCTYPE html><html></html>", b"[1]"):
        with pytest.raises(ValueError, match=r"ZIP|JSON|status|value"):
            dart_codes.ZIP.held_in(broken)
