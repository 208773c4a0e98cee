"""The HTTP API over one release at a time. No Spark, Dagster or MLflow; SQL only in `serving.queries`."""
