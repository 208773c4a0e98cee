"""Feast's objects against the contracts they derive from, and the repository as Feast's own tools load it."""

import os
import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from feast.protos.feast.core.Registry_pb2 import Registry
from feast.types import Float32, Float64, String

from feature_repo import services, views
from lake import feast_repo
from lake.settings import Settings
from market import registry
from market.features.alpha import alpha158
from market.features.catalogue import catalogue

ROOT = Path(__file__).resolve().parents[2]
REPO = ROOT / "feature_repo"
OURS = {
    "market",
    "lake",
    "training",
    "expectations",
    "assets",
    "jobs",
    "feature_repo",
    "serving",
    "exchange",
    "marketlake",
}


def test_there_is_a_view_for_every_gold_table_with_features():
    declared = {view.name for view in vars(views).values() if type(view).__name__ == "FeatureView"}
    assert (
        declared
        == {table.name.split(".")[1] for table in feast_repo.feature_tables()}
        == {"alpha158", "features_daily", "sentiment"}
    )


def test_a_second_table_with_features_is_a_view_without_an_edit(monkeypatch):
    second = replace(
        registry.table("gold.features_daily"), module="market.datasets.gold.features_weekly", reads=(), build=None
    )
    tables = {**registry.tables(), second.name: second}
    monkeypatch.setattr(registry, "tables", lambda: tables)
    feast_repo.view_of.cache_clear()
    again = runpy.run_path(str(REPO / "views.py"))
    assert again["features_weekly"].tags["table"] == "gold.features_weekly"
    assert again["features_daily"].name == "features_daily"


def test_fields_types_descriptions_and_units_are_the_contract_s():
    fields = {field.name: field for field in views.features_daily.features}
    for column in registry.table("gold.features_daily").public:
        if column.type == "float64":
            field = fields[column.name]
            assert (field.dtype, field.description, field.tags) == (Float64, column.doc, {"unit": column.unit})
    assert set(catalogue()) <= set(fields)
    assert "state" not in fields, "internal columns are no features"
    single = {field.name: field.dtype for field in views.alpha158.features}
    assert {single[feature.name] for feature in alpha158()} == {Float32}
    assert fields["release_id"].dtype == fields["session_date"].dtype == String


def test_event_time_is_the_end_of_the_session_and_created_time_is_known_at():
    source = views.features_daily.batch_source
    assert (source.timestamp_field, source.created_timestamp_column) == ("event_at", "known_at")
    assert views.features_daily.ttl.days == 7


def test_the_source_survives_the_registry():
    source = views.features_daily.batch_source
    assert type(source).from_proto(source.to_proto()) == source


def test_the_service_of_the_price_model_has_every_feature():
    asked = [f.name for projection in services.price_model.feature_view_projections for f in projection.features]
    assert set(catalogue()) <= set(asked)


def test_every_variable_in_a_config_file_is_a_setting():
    names = re.findall(r"\$\{MARKETLAKE_([A-Z0-9_]+)\}", (REPO / "feature_store.yaml").read_text())
    assert names
    assert {name.lower() for name in names} <= set(Settings.model_fields)


def test_no_file_of_the_repository_is_called_like_a_module_that_feast_would_find_first():
    names = {path.stem for path in REPO.glob("*.py")} - {"__init__"}
    assert not names & (set(sys.stdlib_module_names) | OURS)


def test_feast_s_own_tools_apply_the_repository_and_find_everything(tmp_path):
    """`feast apply` imports the files by bare name from within the folder; only the lake's variable is exported."""
    copy = tmp_path / "feature_repo"
    copy.mkdir()
    (tmp_path / "var").mkdir()
    for path in [*REPO.glob("*.py"), *REPO.glob("*.yaml")]:
        (copy / path.name).write_text(path.read_text())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MARKETLAKE_")}
    environment = {**kept, "PYTHONPATH": str(ROOT), "MARKETLAKE_LAKE_URL": str(tmp_path / "lake")}
    feast = [sys.executable, "-c", "from feast.cli.cli import cli; cli()"]
    done = subprocess.run(
        [*feast, "apply"], cwd=copy, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = Registry.FromString((tmp_path / "var" / "feast_registry.db").read_bytes())
    assert "security" in {entity.spec.name for entity in found.entities}
    assert sorted(view.spec.name for view in found.feature_views) == ["alpha158", "features_daily", "sentiment"]
    assert sorted(service.spec.name for service in found.feature_services) == ["alpha158", "price_model", "sentiment"]
    assert (tmp_path / "var" / "online.db").exists(), "a relative URL starts at the project's root"
