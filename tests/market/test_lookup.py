"""What an identifier means at an instant: one security, a company's securities, several, nobody yet, nobody any more, nobody."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import bitemporal, lookup
from tests.support.examples import share

START = datetime(2024, 1, 1, tzinfo=UTC)
PLAIN = dict.fromkeys((*lookup.IDENTIFIERS, "common_id", "exchange", "market"))


def at(day):
    return pd.Timestamp(START + timedelta(day))


def table(*rows):
    """Versions of silver.symbols from (since day, until day or None, {column: value})."""
    told = [{**PLAIN, **said, "known_at": at(since), "known_until": pd.NaT if until is None else at(until)}
            for since, until, said in rows]  # fmt: skip
    return pd.DataFrame(told).astype(dict.fromkeys(lookup.IDENTIFIERS, "string"))


SAMSUNG = {
    "security_id": "XKRX:005930", "symbol": "005930", "yahoo_symbol": "005930.KS", "isin": "KR7005930003", "name": "삼성전자",
    "name_en": "SamsungElectronics", "corp_code": "00126380", "corp_name": "삼성전자(주)",
}  # fmt: skip
PREFERRED = {
    "security_id": "XKRX:005935", "symbol": "005935", "isin": "KR7005931001", "name": "삼성전자우", "corp_code": "00126380",
    "common_id": "XKRX:005930",
}  # fmt: skip
APPLE = {"security_id": "XNYS:AAPL", "symbol": "AAPL", "name": "AAPL", "cik": "0000320193", "corp_name": "Apple Inc."}
RAON = {"security_id": "XKRX:263180", "symbol": "263180"}
SYMBOLS = table(
    (0, None, SAMSUNG), (0, None, PREFERRED), (0, None, APPLE),
    (0, 10, {**RAON, "name": "라온소프트"}), (10, None, {**RAON, "name": "라온에이아이"}),
    (5, None, {"security_id": "XNYS:RAON", "symbol": "RAON", "name": "라온소프트"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "security", "matched"),
    [
        ("005930", "XKRX:005930", "symbol"), ("XKRX:005930", "XKRX:005930", "security_id"),
        ("005930.ks", "XKRX:005930", "yahoo_symbol"), ("KR7005930003", "XKRX:005930", "isin"),
        (" 삼성 전자 ", "XKRX:005930", "name"), ("samsung electronics", "XKRX:005930", "name_en"),
        ("삼성전자(주)", "XKRX:005930", "corp_name"), ("aapl", "XNYS:AAPL", "symbol"), ("320193", None, None),
        ("CIK320193", "XNYS:AAPL", "cik"), ("0000320193", "XNYS:AAPL", "cik"), ("CIK0000320193", "XNYS:AAPL", "cik"),
        ("apple inc.", "XNYS:AAPL", "corp_name"), ("삼성", None, None), ("", None, None), ("CIK", None, None),
    ],
)  # fmt: skip
def test_any_identifier_finds_its_security_and_nothing_else(text, security, matched):
    found = lookup.resolve(SYMBOLS, text, at(1))
    if security is None:
        assert (found.kind, len(found.rows)) == ("unknown", 0)
    else:
        assert found.kind == "found"
        assert found.rows[["security_id", "matched"]].to_numpy().tolist() == [[security, matched]]


def test_a_number_of_a_company_finds_all_its_securities():
    found = lookup.resolve(SYMBOLS, "00126380", at(1))
    assert (found.kind, found.rows["security_id"].tolist()) == ("found", ["XKRX:005930", "XKRX:005935"])


def test_a_name_means_whoever_had_it_then():
    assert lookup.resolve(SYMBOLS, "라온소프트", at(1)).rows["security_id"].tolist() == ["XKRX:263180"]
    both = lookup.resolve(SYMBOLS, "라온소프트", at(7))
    assert (both.kind, both.rows["security_id"].tolist()) == ("ambiguous", ["XKRX:263180", "XNYS:RAON"])
    assert lookup.resolve(SYMBOLS, "라온소프트", at(10)).rows["security_id"].tolist() == ["XNYS:RAON"]


def test_what_is_not_known_yet_and_what_nobody_has_any_more_is_told_apart():
    later = lookup.resolve(SYMBOLS, "라온에이아이", at(9))
    assert (later.kind, later.rows["known_at"].tolist()) == ("not_yet", [at(10)])
    gone = lookup.resolve(table((0, 10, {**RAON, "name": "라온소프트"})), "라온소프트", at(10))
    assert (gone.kind, gone.rows["known_until"].tolist()) == ("former", [at(10)])


def versions(*rows):
    """Versions of silver.securities from (id, symbol, since day, share class)."""
    return pd.DataFrame([
        {"security_id": who, "exchange": who[:4], "symbol": symbol, "name": who, "market": "KOSPI" if who[:4] == "XKRX" else "US",
         "share_class": share, "known_at": at(since), "payload_digest": "a", "row_no": 0}
        for who, symbol, since, share in rows
    ]).assign(known_until=pd.Series(pd.NaT, range(len(rows)), "datetime64[ns, UTC]"))  # fmt: skip


def said(*rows):
    told = pd.DataFrame(rows, columns=["security_id", "kind", "value", "known_at"])
    return told.astype({"known_at": "datetime64[ns, UTC]"})


def test_a_preferred_share_belongs_to_the_common_share_known_by_then_and_has_its_company():
    listed = lookup.described(
        versions(
            ("XKRX:005935", "005935", 0, "구형우선주"), ("XKRX:005930", "005930", 0, "보통주"),
            ("XKRX:00088K", "00088K", 0, "신형우선주"), ("XKRX:000880", "000880", 5, "보통주"), ("XNYS:AAPL", "AAPL", 0, None),
        )
    )  # fmt: skip
    common = listed.set_index("security_id")["common_id"]
    assert common["XKRX:005935"] == "XKRX:005930"
    assert common.drop("XKRX:005935").isna().all(), "the common share of 00088K was not known yet"
    told = said(("XKRX:005930", "corp_code", "00126380", at(3)), ("XKRX:005930", "corp_name", "삼성전자", at(3)))
    rows = lookup.beside(listed, told).set_index(["security_id", "known_at"])
    assert rows["corp_code"].dropna().to_dict() == {(who, at(3)): "00126380" for who in ("XKRX:005930", "XKRX:005935")}
    assert rows["corp_name"].dropna().index.tolist() == [("XKRX:005930", at(3))], "a preferred share is no company"


def test_a_number_told_before_the_listing_waits_for_it():
    listed = lookup.described(versions(("XNYS:AAPL", "AAPL", 5, None)))
    rows = lookup.beside(
        listed, said(("XNYS:AAPL", "cik", "0000320193", at(1)), ("XNYS:MSFT", "cik", "0000789019", at(1)))
    )
    assert rows[["security_id", "cik", "known_at"]].to_numpy().tolist() == [["XNYS:AAPL", "0000320193", at(5)]]


def test_a_codes_former_holder_ends_with_the_next_one():
    rows = versions(
        ("XKRX:005930", "005930", 0, None),
        ("XKRX:005930~20240111", "005930", 10, None),
        ("XKRX:005930", "005930", 20, None),
    )
    ended = lookup.until_passed_on(rows)
    assert ended[["security_id", "known_until"]].to_numpy().tolist() == [
        ["XKRX:005930", at(10)], ["XKRX:005930~20240111", pd.NaT],
    ]  # fmt: skip


tellings = st.lists(
    st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(0, 9), st.sampled_from(["x", "y", "z"])),
    min_size=1,
    max_size=12,
)


@settings(max_examples=share(0.25), deadline=None)
@given(
    tellings,
    st.lists(st.tuples(st.sampled_from(["A", "B"]), st.integers(0, 9), st.sampled_from(["1", "2"])), max_size=6),
)
def test_identity_is_a_function_at_each_date(names, numbers):
    """At any instant a security has one row, and what is known of it was told by then; a later telling changes nothing before."""
    listed = versions(*((f"XNYS:{who}", who, day, None) for who, day, _ in names))
    listed["name"] = [name for *_, name in names]
    listed = listed.drop_duplicates(["security_id", "known_at"])
    told = said(*((f"XNYS:{who}", "cik", number, at(day)) for who, day, number in numbers)).drop_duplicates(
        ["security_id", "known_at"]
    )
    rows = _built(listed, told)
    for day in range(11):
        now = bitemporal.true_at(rows, at(day))
        assert not now["security_id"].duplicated().any()
        assert set(now["security_id"]) == set(listed.loc[listed["known_at"] <= at(day), "security_id"])
        known = _built(listed[listed["known_at"] <= at(day)], told[told["known_at"] <= at(day)])
        shown = ["security_id", "name", "cik"]
        assert told_as(now, shown) == told_as(bitemporal.true_at(known, at(day)), shown)
        for text in ("A", "x", "CIK1"):
            answer = lookup.resolve(rows.assign(**{c: rows.get(c, None) for c in lookup.IDENTIFIERS}), text, at(day))
            assert answer.kind != "found" or answer.rows["security_id"].nunique() == 1 or text == "CIK1"


@given(
    st.lists(st.tuples(st.sampled_from(["005930", "000660"]), st.integers(0, 12)), min_size=1, max_size=8, unique=True)
)
def test_a_code_has_one_holder_at_each_instant_however_often_it_is_passed_on(passed):
    """Each passing makes a new id of the same code; whoever has it at an instant is the last who got it, whatever came later."""
    held = [(f"XKRX:{code}~{n}", code, day, None) for n, (code, day) in enumerate(passed)]
    rows = lookup.until_passed_on(versions(*held))
    for day in range(14):
        now = bitemporal.true_at(rows, at(day))
        expected = {code: max((start, who) for who, of, start, _ in held if of == code and start <= day)[1]
                    for code in {of for _, of, start, _ in held if start <= day}}  # fmt: skip
        assert dict(zip(now["symbol"], now["security_id"], strict=True)) == expected
        assert len(now) == len(expected)
        then = [one for one in held if one[2] <= day]
        if then:
            again = bitemporal.true_at(lookup.until_passed_on(versions(*then)), at(day))
            assert set(again["security_id"]) == set(now["security_id"])


def told_as(rows, columns):
    ordered = rows.sort_values("security_id")[columns].to_numpy().tolist()
    return [[None if pd.isna(value) else value for value in row] for row in ordered]


def _built(listed, told):
    if listed.empty:
        return listed.assign(cik=None)
    rows = lookup.beside(lookup.described(listed), told)
    shown = ("symbol", "name", "common_id", *lookup.KINDS)
    return lookup.until_passed_on(bitemporal.changes(rows, ("security_id",), shown, observed="known_at"))
