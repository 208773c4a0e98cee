"""The code location: `workspace.yaml` names this module, and Dagster loads `defs`."""

from jobs.build import build
from lake.settings import read_settings

defs = build(read_settings())
