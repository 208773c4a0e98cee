"""silver.indices and silver.etfs: levels and fund prices typed, also those that the exchange's own site told in recorded answers."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from expectations.judge import judge
from market import calendars, registry
from market.datasets.silver import etfs, indices
from market.features.catalogue import catalogue
from market.table import Window
from tests.market.silver.conftest import Answer, Silver

CASSETTES = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "krx_http_cassettes"
EVER = Window(date(2000, 1, 3), date(2026, 12, 30), datetime(2027, 1, 1, tzinfo=UTC))
recorded_only = pytest.mark.skipif(
    not CASSETTES.exists(), reason="../shared/data is absent: no recorded answers of KRX"
)


def recorded(bld: str) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Each recorded answer's rows with the request's fields."""
    found = []
    for one in json.loads((CASSETTES / "index.json").read_text()):
        if (one["bld"] or "").endswith(bld):
            body = (CASSETTES / "bodies" / Path(one["body_file"]).name).read_bytes()
            body = gzip.decompress(body) if one["body_file"].endswith(".gz") else body
            asked = dict(pair.split("=", 1) for pair in one["request_body"].split("&"))
            found += [(row, asked) for row in json.loads(body)["output"]]
    return found


def test_an_index_is_typed_and_known_at_the_close(answer: Answer, silver: Silver) -> None:
    [row] = silver("silver.indices", answer("bronze.krx_indices", "2024-05-07 00:00", {})).to_dict("records")
    assert (row["index_id"], row["close"], row["previous_close"]) == ("XKRX:KOSPI:코스피", 2676.63, 2683.65)
    assert row["known_at"] == pd.Timestamp("2024-05-03 06:30", tz="UTC") and pd.isna(row["known_until"])


def test_an_index_without_a_level_is_left_out_and_one_with_a_word_for_a_level_is_refused(
    answer: Answer, silver: Silver
) -> None:
    dashes = dict.fromkeys(("CLSPRC_IDX", "CMPPREVDD_IDX", "OPNPRC_IDX", "HGPRC_IDX", "LWPRC_IDX", "MKTCAP"), "-")
    rows = silver(
        "silver.indices",
        answer(
            "bronze.krx_indices",
            "2024-05-07 00:00",
            {"IDX_NM": "코스피 (외국주포함)", **dashes},
            {"CLSPRC_IDX": "many"},
        ),
    )
    assert rows["unreadable"].tolist() == ["CLSPRC_IDX 'many'"]


def test_a_corrected_level_is_a_new_version(answer: Answer, silver: Silver) -> None:
    rows = silver(
        "silver.indices",
        answer("bronze.krx_indices", "2024-05-07 00:00", {}),
        answer("bronze.krx_indices", "2024-05-08 00:00", {"CLSPRC_IDX": "2,676.65"}),
    )
    assert rows["close"].tolist() == [2676.63, 2676.65]
    assert rows["known_until"].iloc[0] == rows["known_at"].iloc[1] == pd.Timestamp("2024-05-08", tz="UTC")


def test_a_fund_has_its_price_its_value_and_its_index(answer: Answer, silver: Silver) -> None:
    quiet = {"ISU_CD": "KR7295820005", "TDD_OPNPRC": "0", "TDD_HGPRC": "0", "TDD_LWPRC": "0", "ACC_TRDVOL": "0"}
    rows = silver("silver.etfs", answer("bronze.krx_etfs", "2024-05-07 00:00", {}, quiet)).set_index("security_id")
    kodex = rows.loc["XKRX:069500"]
    assert (kodex["close"], kodex["nav"], kodex["index_name"], kodex["base_price"]) == (
        36_895,
        36_912.5,
        "코스피 200",
        36_800,
    )
    assert rows.loc["XKRX:295820", ["open", "high", "low"]].isna().all() and rows.loc["XKRX:295820", "close"] == 36_895


def test_no_gold_table_and_no_feature_reads_funds_or_indices() -> None:
    readers = [
        t.name
        for t in registry.tables().values()
        for read in t.reads
        if read.table in ("silver.etfs", "silver.indices")
    ]
    assert readers == [] and catalogue()


@recorded_only
def test_every_recorded_level_of_an_index_is_read_and_passes_the_gate(answer: Answer, silver: Silver) -> None:
    renamed = {"PRV_DD_CMPR": "CMPPREVDD_IDX", "UPDN_RATE": "FLUC_RT"}
    told: dict[date, dict[str, dict[str, str]]] = {}
    for row, asked in recorded("MDCSTAT00301"):
        day = date(*map(int, row["TRD_DD"].split("/")))
        if day < date(2000, 1, 1) or not calendars.is_session("XKRX", day):
            continue
        name = f"{asked['indIdx']}-{asked['indIdx2']}"
        told.setdefault(day, {})[name] = {
            **{renamed.get(key, key): value for key, value in row.items() if key not in ("TRD_DD", "FLUC_TP_CD")},
            "IDX_NM": name, "BAS_DD": f"{day:%Y%m%d}",
        }  # fmt: skip
    answers = [answer("bronze.krx_indices", "2026-01-25 11:00", *rows.values(), day=day) for day, rows in told.items()]
    rows = silver("silver.indices", *answers, window=EVER)
    assert len(rows) == sum(len(day) for day in told.values()) > 60
    assert rows["unreadable"].isna().all() and rows["close"].notna().all()
    verdict = judge(indices.TABLE, indices.TABLE.conform(pa.Table.from_pandas(rows, preserve_index=False)))
    assert all(outcome.passed for outcome in verdict.outcomes) and verdict.good.all()


@recorded_only
def test_every_recorded_fund_is_read_and_passes_the_gate(answer: Answer, silver: Silver) -> None:
    renamed = {"ISU_ABBRV": "ISU_NM", "ISU_SRT_CD": "ISU_CD", "FLUC_RT1": "FLUC_RT_IDX"}
    told: dict[str, list[dict[str, str]]] = {}
    for row, asked in recorded("MDCSTAT04301"):
        kept = {
            renamed.get(k, k): v
            for k, v in row.items()
            if k not in ("ISU_CD", "SECUGRP_ID", "FLUC_TP_CD", "FLUC_TP_CD1")
        }
        if row["TDD_CLSPRC"] != "-":
            told.setdefault(asked["trdDd"], []).append({**kept, "BAS_DD": asked["trdDd"]})
    assert told
    answers = [
        answer("bronze.krx_etfs", "2026-01-25 11:00", *rows, day=date(int(day[:4]), int(day[4:6]), int(day[6:])))
        for day, rows in told.items()
    ]
    rows = silver("silver.etfs", *answers, window=EVER)
    assert len(rows) == sum(map(len, told.values())) > 400
    verdict = judge(etfs.TABLE, etfs.TABLE.conform(pa.Table.from_pandas(rows, preserve_index=False)))
    assert verdict.good.all(), [o for o in verdict.outcomes if not o.passed]
