"""Spark elsewhere, without any Spark: which master means what, what passes between caller and job, what a job is told."""

import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pytest

from assets.remote import EmrServerless, LakeElsewhere, _job
from assets.resources import open_lake
from lake import aws, masters, shipped, spark
from lake.delta import DeltaLake
from lake.objects import LocalStore
from lake.settings import Settings
from lake.spark_remote import RemoteSpark
from lake.staging import Answer, Request, Staging
from market import registry
from market.errors import Permanent, Transient
from market.table import Window

TABLE = registry.table("ops.checks")
WINDOW = Window(date(2024, 5, 2), date(2024, 5, 3), datetime(2024, 5, 6, 9, tzinfo=UTC))
ROLE = "arn:aws:iam::123456789012:role/marketlake-job"
ON_S3 = Settings(lake_url="s3://bucket/lake", spark_master="emr-serverless://00abc", emr_role_arn=ROLE, _env_file=None)


@pytest.mark.parametrize(
    ("master", "kind"),
    [
        ("local[*]", "local"), ("local[2]", "local"), ("local", "local"), ("spark://127.0.0.1:17077", "standalone"),
        ("spark://one:7077,two:7077", "standalone"), ("yarn", "yarn"), ("k8s://https://10.0.0.1:443", "k8s"),
        ("submitted", "submitted"), ("emr-serverless://00f1abc2def", "emr-serverless"),
    ],
)  # fmt: skip
def test_a_master_is_known_by_its_form(master: str, kind: str) -> None:
    assert masters.kind_of(master) == kind


@pytest.mark.parametrize(
    "master", ["mesos://one:5050", "local[0]", "spark://host", "emr-serverless://", "yarn-client", ""]
)
def test_an_unknown_master_names_the_setting_and_the_forms(master: str) -> None:
    with pytest.raises(Permanent, match="MARKETLAKE_SPARK_MASTER") as error:
        open_lake(ON_S3.model_copy(update={"spark_master": master}))
    assert all(written in str(error.value) for written, _ in masters.FORMS.values())


def test_the_master_decides_who_builds() -> None:
    assert isinstance(open_lake(ON_S3), LakeElsewhere)
    assert isinstance(open_lake(ON_S3).spark, RemoteSpark)
    assert not isinstance(open_lake(ON_S3.model_copy(update={"spark_master": "local[*]"})), LakeElsewhere)


def test_properties_of_ones_own_win_over_ours(tmp_path: Path) -> None:
    file = tmp_path / "spark.conf"
    file.write_text("# sizes\nspark.executor.memory   8g \n\nspark.sql.shuffle.partitions 64\n")
    here = Settings(spark_master="spark://one:7077", lake_url=str(tmp_path), spark_conf_file=file, _env_file=None)
    found = spark._configuration(here)
    assert (found["spark.executor.memory"], found["spark.sql.shuffle.partitions"]) == ("8g", "64")
    assert found["spark.sql.session.timeZone"] == "UTC"
    with pytest.raises(Permanent, match="MARKETLAKE_SPARK_CONF_FILE"):
        masters.further(here.model_copy(update={"spark_conf_file": tmp_path / "none.conf"}))
    file.write_text("spark.executor.memory\n")
    with pytest.raises(Permanent, match="a name and a value"):
        masters.further(here)


def test_a_driver_that_was_submitted_leaves_jars_and_sizes_to_who_submitted_it() -> None:
    found = spark._configuration(ON_S3.model_copy(update={"spark_master": "submitted"}))
    assert not [
        name for name in found if "ClassPath" in name or "memory" in name or "s3a" in name or "PYTHONPATH" in name
    ]
    assert "io.delta.sql.DeltaSparkSessionExtension" in found.values()


def test_jobs_need_a_role_and_a_lake_that_they_reach(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="MARKETLAKE_EMR_ROLE_ARN"):
        open_lake(ON_S3.model_copy(update={"emr_role_arn": ""}))
    with pytest.raises(Permanent, match="MARKETLAKE_LAKE_URL"):
        _ = open_lake(ON_S3.model_copy(update={"lake_url": str(tmp_path)})).spark
    with pytest.raises(Permanent, match="Spark session"):
        _ = open_lake(ON_S3).spark.session


def test_a_request_comes_through_as_it_was() -> None:
    request = Request.new("gold.prices", WINDOW)
    assert Request.of_json(request.to_json()) == request
    with pytest.raises(Permanent, match="a job's request"):
        Request.of_json({"table": "gold.prices"})


def checks(n: int) -> pa.Table:
    """Rows of a table of ours that has every kind of column that Parquet may change."""
    values = {
        "string": "a", "int32": 1, "int64": 2, "float64": 0.5, "bool": True, "date": date(2024, 5, 2),
        "timestamp": WINDOW.now, "list<float64>": [0.5],
    }  # fmt: skip
    rows = [{c.name: values[c.type] for c in TABLE.columns}] * n
    return TABLE.conform(pa.Table.from_pylist(rows, schema=TABLE.schema))


def remote(store: LocalStore, submit: Callable[[Request], None]) -> RemoteSpark:
    return RemoteSpark(ON_S3, DeltaLake(ON_S3), store, submit)


@pytest.mark.parametrize("n", [0, 3])
def test_a_candidate_is_what_the_job_left_and_nothing_stays(tmp_path: Path, n: int) -> None:
    store = LocalStore(tmp_path)

    def submit(request: Request) -> None:
        staging = Staging(store, request.place)
        staging.answer(Answer(n, staging.leave(checks(n)), 1.0))

    assert remote(store, submit).candidate(TABLE, WINDOW).equals(checks(n))
    assert store.list() == []


def test_rows_that_are_not_those_of_the_answer_are_never_taken(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)

    def submit(request: Request) -> None:
        staging = Staging(store, request.place)
        answer = Answer(3, staging.leave(checks(3)), 1.0)
        staging.leave(checks(2))
        staging.answer(answer)

    with pytest.raises(Transient, match="SHA-256"):
        remote(store, submit).candidate(TABLE, WINDOW)
    assert store.list(), "what is suspect stays to be looked at"


def test_what_the_job_failed_of_is_what_is_raised(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    told = Permanent("gold.prices", expected="one", found="another", keys=["a", "b"], do="Look")

    def submit(request: Request) -> None:
        Staging(store, request.place).refuse(told)
        raise Transient("job", expected="to succeed", found="FAILED")

    with pytest.raises(Permanent) as error:
        remote(store, submit).candidate(TABLE, WINDOW)
    assert str(error.value) == str(told)


def test_a_success_that_was_told_counts_although_the_watch_was_lost(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)

    def submit(request: Request) -> None:
        staging = Staging(store, request.place)
        staging.answer(Answer(3, staging.leave(checks(3)), 1.0))
        raise Permanent("job", expected="to end", found="no answer of the service")

    assert remote(store, submit).candidate(TABLE, WINDOW).equals(checks(3))
    assert store.list() == []


def test_a_store_that_is_away_does_not_change_what_failed(tmp_path: Path) -> None:
    class Away(LocalStore):
        def exists(self, path: str) -> bool:
            raise Transient("store", expected="an answer", found="none")

    def submit(request: Request) -> None:
        raise Permanent("job", expected="to end", found="RUNNING")

    with pytest.raises(Permanent, match="RUNNING"):
        remote(Away(tmp_path), submit).candidate(TABLE, WINDOW)


def test_a_job_that_tells_nothing_may_be_tried_again(tmp_path: Path) -> None:
    with pytest.raises(Transient, match="an answer in staging/ops"):
        remote(LocalStore(tmp_path), lambda request: None).candidate(TABLE, WINDOW)


def test_the_code_that_is_shipped_runs_by_itself(tmp_path: Path) -> None:
    shipped.archive.cache_clear()
    first = shipped.archive()
    shipped.archive.cache_clear()
    assert shipped.archive() == first, "equal files, equal bytes, equal name"
    with tarfile.open(fileobj=BytesIO(first)) as packed:
        packed.extractall(tmp_path / "marketlake", filter="data")
    told = subprocess.run(
        [sys.executable, "-c", "import lake.spark_main, lake.spark; print(lake.__file__, lake.spark.CONF.exists())"],
        cwd=tmp_path, env={"PYTHONPATH": "./marketlake", "PATH": "", "HOME": str(tmp_path)}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert told.stdout.split() == [str(tmp_path / "marketlake" / "lake" / "__init__.py"), "True"]


def test_code_is_put_once_under_its_digest(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    archive, entry = shipped.ship(store)
    assert shipped.ship(store) == (archive, entry)
    assert store.list() == sorted([archive, entry])
    assert b"lake.spark_main" in store.get(entry)


def test_a_packed_environment_reaches_driver_and_executors() -> None:
    settings = ON_S3.model_copy(update={"emr_environment_url": "s3://bucket/lake/environment/one.tar.gz"})
    job = _job(
        settings,
        Request.new("gold.prices", WINDOW),
        "s3://bucket/lake",
        ("code/a.tar.gz", "code/e.py"),
    )
    submit = job["jobDriver"]["sparkSubmit"]
    words = submit["sparkSubmitParameters"].split()
    assert submit["entryPoint"] == "s3://bucket/lake/code/e.py"
    assert (
        "spark.archives=s3://bucket/lake/code/a.tar.gz#marketlake,s3://bucket/lake/environment/one.tar.gz#environment"
        in words
    )
    for name in ("spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON", "spark.executorEnv.PYSPARK_PYTHON"):
        assert f"{name}=./environment/bin/python" in words


def test_where_the_lake_lies_in_its_bucket() -> None:
    assert aws.bucket_and_prefix(ON_S3) == ("bucket", "lake/")
    assert aws.bucket_and_prefix(ON_S3.model_copy(update={"lake_url": "s3://bucket/"})) == ("bucket", "")


def test_a_job_outside_a_step_is_refused() -> None:
    with pytest.raises(Permanent, match="a step of Dagster"):
        EmrServerless(ON_S3)(Request.new("gold.prices", WINDOW))
