"""Dagster definitions, schedules, sensors, hooks; the code location that `workspace.yaml` names. No data logic."""
