"""What runs in the driver of a job elsewhere: the same `Spark` as everywhere, told what to do and answering through the lake's store.

`python -m lake.spark_main`; spark-submit starts `spark_conf/entry.py`, which calls it. Orchestrator and job talk by Dagster's Pipes
protocol over S3: the request comes with the context, log lines go back as messages. What does not belong here: the judgement.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from dagster_pipes import PipesContext, PipesS3ContextLoader, PipesS3MessageWriter, open_dagster_pipes
from loguru import logger

from lake import aws
from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.settings import Settings, read_settings
from lake.spark import Spark
from lake.staging import Answer, Request, Staging
from market import registry
from market.errors import MarketlakeError

if TYPE_CHECKING:
    from loguru import Message

MESSAGES_EVERY_S = 2.0


def main() -> int:
    """Do what the orchestrator asks; 0, or 1 where it failed of something that the answer tells."""
    settings = read_settings()
    client = aws.client(settings, "s3")
    writer = PipesS3MessageWriter(client, interval=MESSAGES_EVERY_S)
    with open_dagster_pipes(context_loader=PipesS3ContextLoader(client), message_writer=writer) as pipes, _told(pipes):
        request = Request.of_json(pipes.extras)
        staging = Staging(lake_store(settings), request.place)
        try:
            answer = work(request, staging, settings)
        except MarketlakeError as error:
            logger.error(str(error))
            staging.refuse(error)
            return 1
        staging.answer(answer)
        logger.info("answered", table=request.table, rows=answer.rows)
        return 0


def work(request: Request, staging: Staging, settings: Settings) -> Answer:
    """Build, and leave the rows."""
    spark, began = Spark(settings, DeltaLake(settings)), monotonic()
    rows = spark.candidate(registry.table(request.table), request.window)
    digest = staging.leave(rows)
    return Answer(rows.num_rows, digest, round(monotonic() - began, 1))


@contextmanager
def _told(pipes: PipesContext) -> Iterator[None]:
    """While it lasts, our log lines reach the orchestrator as they come."""

    def tell(message: "Message") -> None:
        record: Any = message.record
        fields = " ".join(f"{name}={value}" for name, value in record["extra"].items())
        line = f"{record['message']} {fields}".strip()
        pipes.log.log(min(record["level"].no, 40), line)

    handle = logger.add(tell, level="INFO")
    try:
        yield
    finally:
        logger.remove(handle)


if __name__ == "__main__":
    raise SystemExit(main())
