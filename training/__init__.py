"""Model code: one file per model, its evaluation, registry, export and replay. No Dagster and no storage belongs here."""
