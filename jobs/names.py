"""Names of the jobs and run tags, shared by the definitions, the schedule, the sensors and the command line."""

from typing import Any

AssetJob = Any  # what dagster.define_asset_job returns; its class is private

INGEST_KRX, INGEST_US, BUILD, TRAIN, SCORE, FRESH = "ingest_krx", "ingest_us", "build", "train", "score", "fresh"
READ = "read_headlines"
PROMOTE, ROLL_BACK, SHADOW = "promote_model", "roll_back_model", "shadow_model"
INGEST = {"XKRX": INGEST_KRX, "XNYS": INGEST_US}
DUE_TAG = "marketlake/due"
"""Run tag of what runs by itself: the sessions that were due."""


def selected_sessions(first: str, last: str) -> dict[str, str]:
    """Run tags that select the partitions from first to last as one run."""
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
