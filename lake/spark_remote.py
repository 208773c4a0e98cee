"""Spark whose driver is elsewhere: each candidate is a job; its rows pass through the lake's staging area.

Judgement and commit are the caller's: a job that judged by itself would need the expectations, quarantine and checks over there. What does
not belong here: what starts a job (`assets.remote`), what a job does (`lake.spark_main`).
"""

from typing import Never, Protocol

import pyarrow as pa
from loguru import logger

from lake.delta import DeltaLake
from lake.objects import Missing, Store
from lake.settings import Settings
from lake.spark import Spark
from lake.staging import Answer, Request, Staging, missing_answer
from market.errors import MarketlakeError, Permanent
from market.table import Table, Window


class Submit(Protocol):
    """Starts jobs elsewhere."""

    def __call__(self, request: Request) -> None:
        """Run a job to its end, with this request; what it makes is in the request's place then.

        Raises
        ------
        Transient
            The job failed, or could not be started now.
        Permanent
            It can never be started, as the settings lack something; or it may still run, so that another must not be started.
        """


class RemoteSpark(Spark):
    """The same builds as `Spark`, made by jobs.

    Parameters
    ----------
    store : of the lake; it must be one that the jobs reach.
    submit : starts a job and waits for its end.
    """

    def __init__(self, settings: Settings, delta: DeltaLake, store: Store, submit: Submit) -> None:
        if not settings.lake_url.startswith("s3://"):
            raise Permanent(
                "MARKETLAKE_LAKE_URL", expected=f"s3://bucket/prefix, for jobs of {settings.spark_master} to reach",
                found=settings.lake_url, do="Put the lake on S3, or let Spark run here: MARKETLAKE_SPARK_MASTER=local[*]",
            )  # fmt: skip
        super().__init__(settings, delta)
        self._store, self._submit = store, submit

    @property
    def session(self) -> Never:
        """There is none in this process."""
        raise Permanent("Spark session", expected="Spark in this process", found=self._settings.spark_master,
                        do="Ask for a candidate instead")  # fmt: skip

    def candidate(self, table: Table, window: Window) -> pa.Table:
        """What the contract's build makes of the window, built by a job; rows as `Spark.candidate` gives them."""
        request = Request.new(table.name, window)
        staging = Staging(self._store, request.place)
        answer = self._run(request, staging)
        rows = table.conform(staging.rows(answer.digest))
        staging.clear()
        return rows

    def _run(self, request: Request, staging: Staging) -> Answer:
        try:
            self._submit(request)
        except MarketlakeError as failed:
            if not _is_told(staging, failed):
                raise
        try:  # what the job itself said counts: it is nearer to the cause
            answer = staging.told()
        except Missing as error:
            raise missing_answer(request) from error
        logger.info("job ended", table=request.table, rows=answer.rows, seconds=answer.seconds)
        return answer


def _is_told(staging: Staging, failed: MarketlakeError) -> bool:
    """True where the job has answered; a store that cannot say so leaves the failure as it is."""
    try:
        return staging.is_told()
    except MarketlakeError as away:
        raise failed from away
