"""bronze.sec_facts: the figures of a company's filings, one row each, as SEC's companyfacts delivers them."""

import pandas as pd
import pyarrow as pa

from market import bitemporal, edgar, identity
from market import fundamentals as figures
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import day, unreadable
from market.table import Column, Frames, Table

TABLE = Table(
    __name__,
    doc="Figures of the filings accepted since the previous session, as delivered by SEC (companyfacts): all concepts, every "
    "repetition. fy and fp describe the filing, not the period of the figure.",
    columns=delivered(
        as_text("cik", "SEC's number of the company, ten digits"),
        as_text("symbol", "the company's symbols that are ingested, separated by commas"),
        as_text("taxonomy", "us-gaap, ifrs-full, dei, srt"),
        as_text("concept", "what is told, in the taxonomy's word"),
        as_text("unit", "USD, shares, USD/shares, pure"),
        as_text("start", "first day of the period, YYYY-MM-DD; null for what is counted on a day"),
        as_text("end", "last day of the period, or the day"),
        Column("val", "float64", "the figure", "unit", nullable=True),
        as_text("accn", "number of the filing that tells it"),
        Column("fy", "int32", "fiscal year of the filing", nullable=True),
        as_text("fp", "fiscal period of the filing: FY, Q1, Q2, Q3"),
        as_text("form", "kind of filing"),
        as_text("filed", "day that counts as the filing's"),
        as_text("frame", "calendar period, on one of the rows of a period alone"),
        Column(
            "accepted_at", "timestamp", "when EDGAR accepted the filing; null where its list lacks it", nullable=True
        ),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="sec",
)

CONCEPTS = {
    "revenue": (
        "us-gaap:Revenues",
        "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax",
        "us-gaap:RevenueFromContractWithCustomerIncludingAssessedTax",
        "us-gaap:SalesRevenueNet",
        "ifrs-full:Revenue",
        "ifrs-full:RevenueFromContractsWithCustomers",
    ),
    "operating_income": ("us-gaap:OperatingIncomeLoss", "ifrs-full:ProfitLossFromOperatingActivities"),
    "net_income": (
        "us-gaap:NetIncomeLoss",
        "us-gaap:ProfitLoss",
        "ifrs-full:ProfitLossAttributableToOwnersOfParent",
        "ifrs-full:ProfitLoss",
    ),
    "assets": ("us-gaap:Assets", "ifrs-full:Assets"),
    "liabilities": ("us-gaap:Liabilities", "ifrs-full:Liabilities"),
    "equity": (
        "us-gaap:StockholdersEquity",
        "us-gaap:StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest",
        "ifrs-full:EquityAttributableToOwnersOfParent",
        "ifrs-full:Equity",
    ),
    "shares_outstanding": ("dei:EntityCommonStockSharesOutstanding",),
}
"""By item, the concepts that tell it; the first one that a company tells for a period counts."""

SERIES = "cik"
FACT = ("cik", "accn", "concept", "currency", "start", "end")
_CURRENCY = r"[A-Z]{3}$"
_NOT_OURS = r"pure$|shares$|[A-Za-z]+/[A-Za-z]+$"
"""Units of figures that are no amount of money: a ratio, a number of shares, so much a share."""


def fundamentals(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.fundamentals: each figure known from its filing's acceptance, a derived one from that of its last part."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    told = bitemporal.versions(_of_items(raw), FACT, ("value",)).drop(columns="known_until")
    told["security_id"] = told["symbol"].astype("string").str.split(",")
    told = told.explode("security_id", ignore_index=True)
    plain = identity.security_id("XNYS", told["security_id"])
    told["security_id"] = identity.ids_then(plain, told["session_date"], frames.get("silver.securities"))
    rows = figures.untangled(told)
    is_count = (
        rows["item"] == "shares_outstanding"
    )  # counted on the cover's day, some weeks after the period that it belongs to
    ends = rows["report_end"].where(is_count, rows["period_end"])
    named = zip(rows["span"], _dates(ends), _dates(rows["year_start"]), strict=True)
    rows["fiscal_period"] = pd.Series([figures.fiscal_period(*one) for one in named], rows.index, dtype="string")
    is_no_year = (rows["span"] == "year") & rows["fiscal_period"].isna() & rows["year_start"].notna()
    return pa.Table.from_pandas(rows[~is_no_year], preserve_index=False)


def _of_items(raw: pd.DataFrame) -> pd.DataFrame:
    """The figures of our items, each with its rank, its period and the fiscal year of its filing."""
    ranks = {name: (item, rank) for item, names in CONCEPTS.items() for rank, name in enumerate(names)}
    starts, ends = _dates(day(raw["start"])), _dates(day(raw["end"]))
    years = _fiscal_years(raw, starts, ends)
    rows = raw.rename(columns={"val": "value"}).drop(columns=["known_at", "fy", "fp", "frame", "session_month"])
    rows["concept"] = raw["taxonomy"].astype("string") + ":" + raw["concept"].astype("string")
    unit = raw["unit"].astype("string").fillna("")
    is_no_unit = ~unit.str.match(_CURRENCY) & ~unit.str.match(_NOT_OURS)
    told = unreadable(raw, {"start": day, "end": day})
    rows["unreadable"] = told.where(~is_no_unit | told.notna(), "unit " + unit)
    rows["period_start"], rows["period_end"] = starts, ends
    rows["period_end"] = rows["period_end"].mask(rows["unreadable"].notna(), None)
    for place, name in enumerate(("year_start", "report_end")):
        rows[name] = [years.get(filing, (None, None))[place] for filing in zip(raw["cik"], raw["accn"], strict=True)]
    ours = rows[rows["concept"].isin(list(ranks)) & rows["value"].notna()].reset_index(drop=True)
    ours["item"], ours["rank"] = [[ranks[name][place] for name in ours["concept"]] for place in (0, 1)]
    is_count = ours["item"] == "shares_outstanding"
    ours["currency"] = ours["unit"].mask(is_count & (ours["unit"] == "shares"), figures.NO_CURRENCY)
    is_money = ours["currency"].astype("string").str.match(_CURRENCY)
    ours = ours[is_money | ours["unreadable"].notna()].reset_index(
        drop=True
    )  # what cannot be read is refused, not lost
    ours["basis"], ours["exchange"], ours["source"] = "consolidated", "XNYS", "sec"
    ours["filing_no"], ours["start"] = ours["accn"], ours["start"].fillna("")
    filed = pd.Series(
        [edgar.end_of(d) if d else None for d in _dates(day(ours["filed"]))], ours.index, dtype=raw["fetched_at"].dtype
    )
    ours["first_known_at"] = ours["accepted_at"].fillna(filed).fillna(ours["fetched_at"])
    ours["filed_at"] = ours["first_known_at"]
    return ours


def _fiscal_years(raw: pd.DataFrame, starts: list, ends: list) -> dict[tuple[str, str], tuple]:
    """First day of the fiscal year and last day reported on, by company and filing, out of all its figures."""
    periods: dict[tuple[str, str], set] = {}
    annual: dict[tuple[str, str], bool] = {}
    for cik, accn, form, filed, start, end in zip(
        raw["cik"], raw["accn"], raw["form"], _dates(day(raw["filed"])), starts, ends, strict=True
    ):
        if start and end and filed and end <= filed:
            periods.setdefault((cik, accn), set()).add((start, end))
            annual[cik, accn] = not str(form).startswith("10-Q")
    found = {filing: figures.fiscal_start(said, is_annual=annual[filing]) for filing, said in periods.items()}
    return {filing: told for filing, told in found.items() if told is not None}


def _dates(values: pd.Series) -> list:
    """Dates as they are, None where there is none."""
    return [None if pd.isna(value) else value for value in values]


FEEDS = {"silver.fundamentals": fundamentals}
