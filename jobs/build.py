"""The definitions, built from settings: assets, jobs, schedule, sensor, alerts.

`jobs.definitions` calls this once for the code location; the command line and tests call it with settings of their own.
"""

import dagster as dg

from assets import bronze, certificate, drift_checks, models, tables
from assets.resources import lake_from_settings
from jobs import decisions, freshness, outside
from jobs.alerts import alert_on_failure, measure_on_success
from jobs.names import BUILD, FRESH, INGEST, READ, SCORE, TRAIN, AssetJob
from jobs.schedules import take_what_is_due
from jobs.sensors import build_what_is_ingested, react_to_new_model, react_to_new_reader, retrain_what_drifted
from lake import us_symbols
from lake.lake import Lake
from lake.settings import Settings


def build(settings: Settings, lake: Lake | None = None) -> dg.Definitions:
    """Everything that Dagster runs.

    Parameters
    ----------
    lake : the one to work on; by default each run opens the one of its environment.
    """
    first, last = settings.first_session, settings.last_session
    takes_list = us_symbols.read(settings.us_symbols).takes_list
    every = [
        *bronze.assets(first, last, takes_list=takes_list),
        *tables.assets(first, last),
        *models.assets(first, last),
    ]
    jobs = {name: _job(name, *selected) for name, selected in _selections().items()}
    ingestion = [jobs[name] for name in INGEST.values()]
    return dg.Definitions(
        assets=every,
        asset_checks=[freshness.fresh, certificate.in_full, *outside.checks(), *drift_checks.checks()],
        jobs=[*jobs.values(), *decisions.JOBS],
        schedules=[
            *(take_what_is_due(exchange, jobs[name]) for exchange, name in INGEST.items()),
            freshness.look_at_evening(jobs[FRESH]),
        ],
        sensors=[
            build_what_is_ingested(ingestion, jobs[BUILD]),
            react_to_new_model,
            react_to_new_reader,
            retrain_what_drifted,
            alert_on_failure,
            measure_on_success,
        ],
        resources={"lake": lake or lake_from_settings},
        executor=dg.in_process_executor,  # one Spark session per run: a process per step would start one each
    )


def _selections() -> dict[str, tuple[dg.AssetSelection, str]]:
    # what compares every security is for the evening
    shadows = dg.AssetSelection.assets(models.SHADOWED)
    layers = (dg.AssetSelection.groups("silver", "gold", "release", "online") | shadows) - certificate.selection()
    score = (
        dg.AssetSelection.assets(["gold", "predictions"], models.PREDICTED, certificate.ONLINE, models.SHADOWED)
        - certificate.selection()
    )
    drift = drift_checks.selection()  # of models, once the release is out
    return {
        **{
            name: (_ingested(exchange), f"sources of a session of {exchange} into bronze")
            for exchange, name in INGEST.items()
        },
        BUILD: (
            layers | drift,
            "silver, gold, checks, both publications, the online store and the shadows of a session",
        ),
        TRAIN: (
            dg.AssetSelection.groups("models") - drift,
            "every model on the current release; champion if it passes the gates",
        ),
        FRESH: (
            freshness.selection() | outside.selection() | certificate.selection(),
            "whether the current release holds every session that is due, its features keep their bits, and each source is as expected",
        ),
        READ: (
            dg.AssetSelection.assets(["silver", "sentiment"], ["gold", "sentiment"], models.DATA),
            "all headlines read by a new champion among their models, its features, and their publication",
        ),
        SCORE: (
            score | drift,
            "predictions of a session by the champions, their publication, the online store, and the shadows behind them",
        ),
    }


def _ingested(exchange: str) -> dg.AssetSelection:
    tables = dg.AssetSelection.assets(*(table.name.split(".") for table in bronze.delivered_for(exchange)))
    return (
        tables.without_checks()
    )  # they look at night, also where an ingestion failed; a run's end writes the watch anyway


def _job(name: str, selection: dg.AssetSelection, meaning: str) -> AssetJob:
    return dg.define_asset_job(name, selection=selection, description=meaning)
