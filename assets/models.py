"""Assets around the models: training each, scoring sessions, the two publications of a day with the online store behind them, and the shadows."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from assets import certificate
from assets.building import window_of
from assets.certificate import ONLINE
from assets.metadata import describe, table_spec
from assets.partitions import SAME_SESSION, sessions_of
from assets.publish import PREDICTIONS, publish
from assets.resources import OpenLake
from assets.retries import retried_where_transient
from assets.tables import GATE, check
from lake import shown
from market import calendars, registry
from market.errors import MarketlakeError, Permanent
from training.catalogue import models, readers
from training.model import Model
from training.sentiment.model import FLAVOUR, SentimentModel

if TYPE_CHECKING:
    from assets.building import Built
    from lake.lake import Lake
    from training.trained import Trained

DATA, PREDICTED = dg.AssetKey(["release", "data"]), dg.AssetKey(["release", "predictions"])
NEWS, SENTIMENT = "silver.news", "silver.sentiment"
FEATURES, LABELS, PRICES = "gold.features_daily", "gold.labels", "gold.prices"
SHADOWED = dg.AssetKey(["ops", "shadow_predictions"])
SCORED = "every_shadow_scored"
FILES = "marketlake/files_challenger"
"""Run tag: why the versions that the run trains are filed as challengers, and made champion by nobody but a person."""


def assets(first: date, last: date | None) -> list[dg.AssetsDefinition]:
    """What headlines say, the releases, the online store, scoring, and one training asset per model."""
    partitions = sessions_of(calendars.EXCHANGES, first, last)
    return [
        *(
            make(partitions)
            for make in (_sentiment, _data_release, _predictions, _predictions_release, _online, _shadows)
        ),
        *(_training(model) for model in models().values()),
        *(_reading(model) for model in readers().values()),
    ]


def _sentiment(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    table = registry.table(SENTIMENT)
    key = dg.AssetKey(table.name.split("."))
    deps = [dg.AssetDep(read.table.split("."), partition_mapping=SAME_SESSION) for read in table.reads]

    @dg.multi_asset(  # type: ignore[untyped-decorator, unused-ignore]
        name="silver_sentiment",
        specs=[table_spec(table, deps)],
        check_specs=[dg.AssetCheckSpec(GATE, asset=key, blocking=True)],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def make(context: dg.AssetExecutionContext, lake: OpenLake) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        from assets import sentiment

        made, unread = None, ""
        with retried_where_transient(context):
            try:
                made = sentiment.read(lake, window_of(lake, context.partition_keys), context.log.info)
            except Permanent as error:  # what a model cannot read keeps no prices back
                unread = str(error)
        if unread:
            context.log.warning(f"headlines stay unread: {unread}")
            told = {"unread": unread}
            warned = dg.AssetCheckResult(
                passed=False, severity=dg.AssetCheckSeverity.WARN, check_name=GATE, asset_key=key, metadata=told
            )
            yield dg.MaterializeResult(asset_key=key, metadata={"rows": 0, **told}, check_results=[warned])
            return
        yield from _judged(lake, key, made, "no champion reads headlines yet")

    return make


def _judged(
    lake: OpenLake, key: dg.AssetKey, made: "Built | None", nothing: str, told: Mapping[str, str] | None = None
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """What a champion said with the gate's verdict; `nothing` where there is none that could."""
    if made is None:
        passed = dg.AssetCheckResult(passed=True, check_name=GATE, asset_key=key, metadata={"note": nothing})
        yield dg.MaterializeResult(asset_key=key, metadata={"rows": 0, "note": nothing}, check_results=[passed])
    else:
        about = {**describe.built(lake, made), **(told or {})}
        yield dg.MaterializeResult(asset_key=key, metadata=about, check_results=[check(key, made)])


def _data_release(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    gold = [t for t in registry.tables().values() if t.layer in ("silver", "gold") and t.build is not None]
    deps = [dg.AssetDep(table.name.split("."), partition_mapping=SAME_SESSION) for table in gold]

    @dg.asset(key=DATA, deps=deps, partitions_def=partitions, backfill_policy=dg.BackfillPolicy.single_run(),
              group_name="release", kinds={"json"})  # fmt: skip
    def make(context: dg.AssetExecutionContext, lake: OpenLake) -> dg.MaterializeResult:
        """The day's first publication: data that passed every check becomes what people see."""
        with retried_where_transient(context):
            release, moved = publish(lake, "data")
        told = describe.released(release, "published" if moved else "nothing new")
        return dg.MaterializeResult(metadata=told | _followed(context, lake))

    return make


def _followed(context: dg.AssetExecutionContext, lake: OpenLake) -> dict[str, str]:
    """SQL and the online store shown the data's release, for a second publication may be blocked; where they are away, it comes later."""
    try:
        shown.follow(lake.settings, lake.releases)
    except MarketlakeError as error:
        context.log.warning(f"the release is published; {error}")
        return {"behind": str(error)}
    return {}


def _predictions(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    table = registry.table(PREDICTIONS)
    key = dg.AssetKey(table.name.split("."))

    @dg.multi_asset(  # type: ignore[untyped-decorator, unused-ignore]
        name="gold_predictions",
        specs=[table_spec(table, [dg.AssetDep(DATA, partition_mapping=SAME_SESSION)])],
        check_specs=[dg.AssetCheckSpec(GATE, asset=key, blocking=True)],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def make(context: dg.AssetExecutionContext, lake: OpenLake) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        from assets import learning  # MLflow and XGBoost take seconds to load, and an ingestion needs neither

        with retried_where_transient(context):
            made, failures = learning.predict(lake, window_of(lake, context.partition_keys))
        for name, why in failures.items():
            context.log.warning(f"{name} did not score: {why}")
        yield from _judged(
            lake, key, made, "no champion yet", {f"{name} did not score": why for name, why in failures.items()}
        )

    return make


def _predictions_release(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    deps = [dg.AssetDep(PREDICTIONS.split("."), partition_mapping=SAME_SESSION)]

    @dg.asset(key=PREDICTED, deps=deps, partitions_def=partitions, backfill_policy=dg.BackfillPolicy.single_run(),
              group_name="release", kinds={"json"})  # fmt: skip
    def make(context: dg.AssetExecutionContext, lake: OpenLake) -> dg.MaterializeResult:
        """The day's second publication: the same data with the predictions made from it."""
        with retried_where_transient(context):
            release, moved = publish(lake, "predictions")
        return dg.MaterializeResult(metadata=describe.released(release, "published" if moved else "nothing new"))

    return make


def _online(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    deps = [dg.AssetDep(PREDICTED, partition_mapping=SAME_SESSION)]

    @dg.asset(key=ONLINE, deps=deps, partitions_def=partitions, backfill_policy=dg.BackfillPolicy.single_run(),
              group_name="online", kinds={"feast"}, check_specs=[dg.AssetCheckSpec(certificate.PARITY, asset=ONLINE, blocking=True,
              description="The online store holds the release's features, bit for bit")])  # fmt: skip
    def make(context: dg.AssetExecutionContext, lake: OpenLake) -> dg.MaterializeResult:
        """The newest features of the current release in Feast's online store; the SQL catalog shows that release too."""
        with retried_where_transient(context):
            release, rows = shown.follow(lake.settings, lake.releases)
            compared = certificate.online(lake, release)
        return dg.MaterializeResult(metadata={"rows": rows, "release_id": release.release_id}, check_results=[compared])

    return make


def _shadows(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    table = registry.table(".".join(SHADOWED.path))

    @dg.multi_asset(  # type: ignore[untyped-decorator, unused-ignore]
        name="shadow_predictions",
        # behind all that people see: a shadow that takes long, or fails, keeps nothing back
        specs=[table_spec(table, [dg.AssetDep(ONLINE, partition_mapping=SAME_SESSION)])],
        check_specs=[dg.AssetCheckSpec(SCORED, asset=SHADOWED, description="Every model's shadow scored the session; where one did not, it warns")],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )  # fmt: skip
    def make(context: dg.AssetExecutionContext, lake: OpenLake) -> dg.MaterializeResult:
        from assets import shadows

        made = shadows.predict(lake, window_of(lake, context.partition_keys))
        for name, failure in made.failures.items():
            context.log.warning(f"the shadow of {name} did not score: {failure}")
        said = dg.AssetCheckResult(
            passed=not made.failures,
            severity=dg.AssetCheckSeverity.WARN,
            check_name=SCORED,
            metadata=dict(made.failures),
        )
        return dg.MaterializeResult(
            asset_key=SHADOWED, metadata={"rows": made.rows, **made.versions}, check_results=[said]
        )

    return make


def _training(model: Model) -> dg.AssetsDefinition:
    read = [dg.AssetKey(table.split(".")) for table in (FEATURES, LABELS, PRICES)]

    @dg.asset(key=["models", model.name], deps=read, output_required=False,
              group_name="models", kinds={model.algorithm.flavour, "mlflow"}, description=model.doc)  # fmt: skip
    def make(context: dg.AssetExecutionContext, lake: OpenLake) -> Iterator[dg.MaterializeResult]:
        from assets import learning

        if lacks := model.missing():
            context.log.warning(f"{model.name} is left out: it needs {lacks}. `make demo DEEP=1` adds it")
            return
        with retried_where_transient(context):
            yield _decided(context, lake, model.name, learning.fit(lake, model, _logged(context)))

    return make


def _reading(model: SentimentModel) -> dg.AssetsDefinition:
    @dg.asset(key=["models", model.name], deps=[dg.AssetKey(NEWS.split("."))], output_required=False,
              group_name="models", kinds={FLAVOUR, "mlflow"}, description=model.doc)  # fmt: skip
    def make(context: dg.AssetExecutionContext, lake: OpenLake) -> Iterator[dg.MaterializeResult]:
        from assets import reading

        if lacks := model.missing():
            context.log.warning(f"{model.name} is left out: it needs {lacks}. `make demo DEEP=1` adds them")
            return
        with retried_where_transient(context):
            yield _decided(context, lake, model.name, reading.fit(lake, model, _logged(context)))

    return make


def _logged(context: dg.AssetExecutionContext) -> Callable[[int, int, str], None]:
    return lambda done, total, what: context.log.info(f"{done}/{total} {what}")


def _decided(context: dg.AssetExecutionContext, lake: "Lake", name: str, trained: "Trained") -> dg.MaterializeResult:
    """A new version put before its gates, or filed as challenger where the run says so; what was said of it."""
    from assets import decisions

    why = context.run.tags.get(FILES)
    if why is None:
        result = decisions.promote(lake, name, trained.version)
    else:
        result = decisions.file(lake, name, trained.version, why)
    return dg.MaterializeResult(
        metadata={
            "run_id": trained.run_id,
            "version": trained.version,
            "promoted": result.promoted,
            "reasons": dg.MetadataValue.md("\n".join(f"- {reason}" for reason in result.reasons)),
            **{name: value for name, value in trained.metrics.items()},
        }
    )
