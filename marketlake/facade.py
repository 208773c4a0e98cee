"""The lake in a notebook: `marketlake.open()` gives a `Lake` at one release, and everything it returns says where it
comes from.

Every reading of history has an as-of instant: the release's own, an earlier one given at opening, or one given with the
call. `hindsight=True` reads without one, and `attrs["meta"]` says so: its `hindsight` is true where a result may differ from
what was believed at its instant. What does not belong here: the release itself (`marketlake.opened`), how rows of an instant are
found (`marketlake.reading`), SQL of routes, arithmetic.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property

import pandas as pd
import pyarrow as pa

from lake.objects import lake_store
from lake.online import OnlineFeatures
from lake.ratios import ratios_at
from lake.releases import Releases
from lake.settings import Settings, read_settings
from lake.yahoo_check import korean_closes
from market import calendars, registry
from market.adjust import adjusted_as_of
from market.errors import Permanent
from market.features.nodes import Expr
from marketlake import behaving, computing, reading
from marketlake.frames import Prices, arrow_of, frame_of, ratio_frame
from marketlake.opened import Instant, Opened, limited
from marketlake.predictions import named

Day = str | date

_PRICE_COLUMNS = [
    "session_date", "symbol", "security_id", "exchange", "market", "currency", "open", "high", "low", "close", "volume",
    "value", "market_cap", "is_halted", "factor", "cumulative_factor", "known_at",
]  # fmt: skip


_PREDICTIONS = """
SELECT p.session_date, s.symbol, p.security_id, p.exchange, p.model, p.model_version, p.score, p.rank, l.forward_return_5d AS outcome, p.known_at,
       l.known_at AS outcome_known_at
FROM gold.predictions p
LEFT JOIN gold.prices s USING (security_id, session_date)
LEFT JOIN gold.labels l ON l.security_id = p.security_id AND l.session_date = p.session_date AND l.known_at <= ?
WHERE p.known_at <= ? AND p.session_date BETWEEN ? AND ? AND (CAST(? AS VARCHAR) IS NULL OR p.model = ?)
ORDER BY p.session_date, p.model, p.score DESC, p.security_id
"""


def open_lake(release: str | None = None, as_of: Instant | None = None, settings: Settings | None = None) -> "Lake":
    """The lake at a release.

    Parameters
    ----------
    release : its id; the current one by default. An older release is the lake exactly as it was published then.
    as_of : an instant with a time zone, not after the release's. Readings then show what was known at it: the release
        keeps every version of silver, so an earlier instant can be read from a later release.
    settings : the environment's by default.

    Raises
    ------
    Permanent
        There is no (such) release, or the as-of instant is later than the release's.
    """
    settings = settings or read_settings()
    store = lake_store(settings)
    releases = Releases(store)
    found = releases.get(release) if release else releases.current()
    if found is None:
        raise Permanent(f"lake {store.url}", expected="a published release", found="none", do="`make demo` makes one")
    return Lake(settings, found, limited(found, as_of))


class Lake(Opened):
    """What a notebook reads of the market, from one release at an instant."""

    def universe(self, day: Day) -> pd.DataFrame:
        """What was listed that day: every security with a bar (halted ones too), delisted names included, names as of
        the day; and the listed ones whose bar of the day was refused, without a close.

        Raises
        ------
        Permanent
            The day is a session of neither exchange; the message says why.
        """
        session = reading.day_of(day)
        closed = {e: calendars.why_closed(e, session) for e in calendars.EXCHANGES}
        if all(closed.values()):
            raise Permanent(
                f"universe {session}", expected="a session", found="; ".join(f"{e}: {w}" for e, w in closed.items())
            )
        return frame_of(reading.listed(self._sql, session, self.as_of), self.meta)

    def listings(self, day: Day | None = None) -> pd.DataFrame:
        """Spells of the Korean securities as believed at the lake's instant: listed, first_day, halted, administrative, liquidation; those that
        hold on the day, or all.

        A `last_session` null is a spell that goes on; a `listed` spell that ended is a delisting, with `reason` and `reason_class` where
        somebody told (`silver.delistings`).
        """
        session = None if day is None else reading.day_of(day)
        return frame_of(reading.spells(self._sql, session, self.as_of), self.meta)

    def symbol(self, text: str, as_of: Instant | None = None) -> pd.DataFrame:
        """The security that an identifier means, as known at an instant: its codes, names, board and numbers, and `matched`.

        Parameters
        ----------
        text : an id, code, Yahoo symbol, ISIN, DART corp code, CIK (`CIK320193`) or name. A number of a company gives a row for
            each of its securities.
        as_of : a day (its end), or an instant with a time zone; the lake's own by default.

        Raises
        ------
        Permanent
            Nobody had it then: unknown, not known yet, or not used any more; several had it; an instant after the release's.
        """
        instant = self._moment(as_of)
        return frame_of(reading.identified(self._sql, text, instant), self._meta(instant))

    def prices(
        self,
        symbols: str | Sequence[str],
        start: Day,
        end: Day,
        adjust: bool = True,
        as_of: Instant | None = None,
        hindsight: bool = False,
    ) -> Prices:
        """Daily bars of the securities, tidy; `.panel("close")` gives sessions by symbols.

        Parameters
        ----------
        symbols : codes or security ids.
        adjust : prices on the scale of the as-of day (volume the other way round), by the factors known then; False:
            raw.
        as_of : instead of the lake's own instant; bars and factors are the versions believed then.
        hindsight : what the release believes of the past, without an as-of instant; the meta says so.

        Raises
        ------
        Permanent
            Unknown symbols, reversed dates, both as_of and hindsight, or an instant after the release's.
        """
        first, last = reading.span_of(start, end)
        instant = self._believed(as_of, hindsight, "prices")
        ids = reading.security_ids(self._sql, symbols, instant or self.as_of)
        rows = reading.bars(self._sql, ids, last, instant)
        rows = rows[rows["session_date"] >= first].reset_index(drop=True)
        if adjust and len(rows):
            rows = adjusted_as_of(rows, reading.last_factors(self._sql, rows, instant))
        rows["session_date"] = pd.to_datetime(rows["session_date"])
        prices = Prices(rows[_PRICE_COLUMNS])
        prices.attrs["meta"] = self._meta(instant) | {"adjusted": adjust}
        return prices

    def adjustments(
        self, symbols: str | Sequence[str] | None = None, *, unexplained: bool = False, as_of: Instant | None = None
    ) -> pd.DataFrame:
        """The ledger of factors as believed at the instant, oldest ex-date first: cause, evidence, confidence, who disclosed it.

        Parameters
        ----------
        symbols : codes or security ids; all of them by default.
        unexplained : only the factors that no disclosed action accounts for.
        as_of : instead of the lake's own instant.

        Raises
        ------
        Permanent
            Unknown symbols, or an instant after the release's.
        """
        instant = self._instant(as_of)
        ids = None if symbols is None else reading.security_ids(self._sql, symbols, instant)
        rows = frame_of(reading.adjustments(self._sql, ids, instant), self._meta(instant))
        return rows[rows["disclosed_by"].isna()].reset_index(drop=True) if unexplained else rows

    def korean_closes(self) -> pd.DataFrame:
        """KRX's closes beside those of Yahoo's Korean charts, in won of the day, where MARKETLAKE_YAHOO_KR_SYMBOLS asked for any.

        `agrees` is true within a thousandth; a `ratio` far from one is a split that one of them lacks.
        """
        return frame_of(korean_closes(self._sql, self.as_of), self.meta)

    def features(
        self,
        names: str | Sequence[str],
        start: Day,
        end: Day,
        symbols: str | Sequence[str] | None = None,
        arrow: bool = False,
    ) -> pd.DataFrame | pa.Table:
        """Features of the release by security and session, the whole universe unless symbols are named.

        Rows that became known only after the as-of instant (a revision under them) are left out, and what a source took
        back since is gone: gold keeps the present belief alone, and the meta says hindsight. For values as they were then open the
        release of then, or `compute` them.

        Raises
        ------
        Permanent
            An unknown feature or symbol, or reversed dates.
        """
        first, last = reading.span_of(start, end)
        asked = [names] if isinstance(names, str) else list(names)
        known = [c.name for c in registry.table("gold.features_daily").public if c.type == "float64"]
        unknown = [name for name in asked if name not in known]
        if unknown or not asked:
            raise Permanent("features", expected=f"features among {', '.join(known)}", found="others", keys=unknown)
        ids = None if symbols is None else reading.security_ids(self._sql, symbols, self.as_of)
        chosen = ", ".join(f'"{name}"' for name in asked)
        rows = self._sql.query(
            f"SELECT session_date, security_id, {chosen}, known_at FROM gold.features_daily "
            "WHERE session_date BETWEEN ? AND ? "
            "AND known_at <= ? AND (? IS NULL OR list_contains(?, security_id)) ORDER BY security_id, session_date",
            [first, last, self.as_of, None if ids is None else "some", ids or []],
        )
        meta = self.meta | self._present(
            "gold keeps the present belief alone: what was changed or taken back since is not there"
        )
        return arrow_of(rows, meta) if arrow else frame_of(rows, meta)

    def fundamentals(
        self,
        symbols: str | Sequence[str],
        items: str | Sequence[str] = (),
        as_of: Instant | None = None,
        hindsight: bool = False,
    ) -> pd.DataFrame:
        """What the companies reported: a row for each item and quarter, year or day, as the filings told it by then.

        Parameters
        ----------
        items : `revenue`, `net_income` and so on; all without.
        as_of : instead of the lake's own instant; an amended figure is the one told first, before its amendment.
        hindsight : what the release believes of the past, without an as-of instant; the meta says so.

        Raises
        ------
        Permanent
            Unknown symbols or items, both as_of and hindsight, or an instant after the release's.
        """
        instant = self._believed(as_of, hindsight, "fundamentals")
        ids = reading.security_ids(self._sql, symbols, instant or self.as_of)
        rows = reading.reported(self._sql, ids, [items] if isinstance(items, str) else items, instant)
        return frame_of(rows, self._meta(instant))

    def ratios(self, symbols: str | Sequence[str], as_of: Instant | None = None) -> pd.DataFrame:
        """Ratios of the companies as they could be known: a row for each basis and ratio, with the figures in `parts`.

        Parameters
        ----------
        as_of : instead of the lake's own instant. Where a value is null, `reason` says why.

        Raises
        ------
        Permanent
            Unknown symbols, or an instant after the release's.
        """
        instant = self._instant(as_of)
        ids = reading.security_ids(self._sql, symbols, instant or self.as_of)
        return ratio_frame(ratios_at(self._sql, ids, instant), self._meta(instant))

    def history(self, entity_frame: pd.DataFrame, service: str = "price_model") -> pd.DataFrame:
        """Features of a Feast service, point in time: for each row the newest session that had ended, as known at its
        instant.

        Parameters
        ----------
        entity_frame : `symbol` or `security_id`, and `event_timestamp` (instants with a time zone) or `session_date`
            (its close).

        Raises
        ------
        Permanent
            A column is missing, an instant is after the lake's as-of instant, or there is no such service.
        """
        from marketlake.history import point_in_time  # Feast takes seconds to import

        frame = point_in_time(self._settings, self._sql, entity_frame, service, self.as_of)
        frame.attrs["meta"] = self.meta | {"service": service}
        return frame

    def online(self, symbols: str | Sequence[str]) -> pd.DataFrame:
        """The online features of the securities: what serving reads now, whichever release this lake is at; of a later one the meta says
        hindsight.

        Raises
        ------
        Permanent
            Unknown symbols.
        """
        ids = reading.security_ids(self._sql, symbols, self.as_of)
        rows = self._online.get(ids)
        held = sorted(set(rows["release_id"].drop_null().to_pylist()))
        is_later = any(name > self.release.release_id for name in held)
        said = self._present("the online store holds what is served now", is_later)
        return frame_of(rows, self.meta | said | {"online_release_id": ", ".join(held)})

    def models(self) -> pd.DataFrame:
        """The versions that the lake names, a row each: model, alias, version, run_id, release_id, trained_to, features, metrics, cannot_be_served.

        They are those of now, whatever the release; `metrics` is what the training found out of sample.
        """
        rows = [
            {
                "model": one.model, "alias": one.alias, "version": one.version, "run_id": one.signature["run_id"],
                "release_id": one.signature["release_id"], "trained_to": one.signature.get("lock", {}).get("train_to"),
                "features": len(one.signature["features"]), "metrics": one.signature["metrics"],
                "cannot_be_served": list(one.changed),
            }
            for one in named(self._settings)
        ]  # fmt: skip
        columns = [
            "model",
            "alias",
            "version",
            "run_id",
            "release_id",
            "trained_to",
            "features",
            "metrics",
            "cannot_be_served",
        ]
        return pd.DataFrame(rows, columns=columns)

    def predictions(self, start: Day, end: Day, model: str | None = None) -> pd.DataFrame:
        """Scores of the champions by session and security, with the outcome where it is known by the lake's instant.

        Returns
        -------
        session_date, symbol, security_id, exchange, model, model_version, score, rank, outcome (return over the next five
        sessions, null while it is not known), known_at, outcome_known_at (a score that is known later is no forecast).
        """
        first, last = reading.span_of(start, end)
        made = self._sql.query(_PREDICTIONS, [self.as_of, self.as_of, first, last, model, model]).to_pandas()
        made["session_date"] = pd.to_datetime(made["session_date"])
        made.attrs["meta"] = self.meta
        return made

    def compute(self, expression: str | Expr, symbols: str | Sequence[str], start: Day, end: Day) -> pd.DataFrame:
        """A feature expression on forward-adjusted bars as of the lake's instant; a name of the catalogue gives gold's
        bits.

        Raises
        ------
        Permanent
            The expression cannot be read or looks ahead; unknown symbols; reversed dates.
        """
        feature = computing.feature_of(expression)
        first, last = reading.span_of(start, end)
        ids = reading.security_ids(self._sql, symbols, self.as_of)
        read = reading.everyone(self._sql) if computing.looks_across(feature) else ids
        rows = reading.bars(self._sql, read, last, self.as_of)
        sectors = reading.sectors_for(self._sql, feature, self.as_of)
        made = rows[["session_date", "symbol", "security_id"]].assign(value=computing.computed(feature, rows, sectors))
        made = made[(made["session_date"] >= first) & made["security_id"].isin(ids)].reset_index(drop=True)
        made["session_date"] = pd.to_datetime(made["session_date"])
        made.attrs["meta"] = self.meta | {"expression": feature.formula, "unit": feature.unit}
        return made

    def feature(self, expression: str | Expr) -> behaving.FeatureDescription:
        """How a feature behaves over every security and session: coverage, distribution, autocorrelation, rank IC by year; a notebook draws it.

        Parameters
        ----------
        expression : as of `compute`. A column of gold.features_daily is read, anything else computed. Labels are those known at the lake's
            instant; like gold's features they are the present belief, and the meta says hindsight.

        Raises
        ------
        Permanent
            The expression cannot be read or looks ahead.
        """
        feature = computing.feature_of(expression)
        meta = self.meta | self._present("gold keeps the present belief alone")
        return behaving.described(self._sql, feature, self.as_of, meta | {"unit": feature.unit})

    @cached_property
    def _online(self) -> OnlineFeatures:
        return OnlineFeatures(self._settings)

    def _believed(self, as_of: Instant | None, hindsight: bool, what: str) -> datetime | None:
        if hindsight and as_of is not None:
            raise Permanent(what, expected="an as-of instant or hindsight=True", found="both")
        return None if hindsight else self._instant(as_of)
