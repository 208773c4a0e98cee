"""Serving starts light: none of the heavy packages is loaded, whoever imports what."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = (
    "pyspark",
    "dagster",
    "mlflow",
    "great_expectations",
    "expectations",
    "torch",
    "transformers",
    "feast",
    "delta",
    "matplotlib",
)


def test_serving_loads_no_spark_no_dagster_no_mlflow():
    code = (
        "import sys; import serving.app; from lake.settings import Settings;"
        "serving.app.create_app(Settings(_env_file=None));"
        f"print(sorted({{name.split('.')[0] for name in sys.modules}} & set({FORBIDDEN!r})))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_sql_is_in_queries_alone():
    outside = [p for p in (ROOT / "serving").rglob("*.py") if p.parent.name != "queries"]
    assert [p.name for p in outside if "SELECT " in p.read_text(encoding="utf-8")] == []


def test_routes_do_not_know_each_other():
    for path in (ROOT / "serving" / "routes").glob("*.py"):
        assert "serving.routes" not in path.read_text(encoding="utf-8"), path.name
