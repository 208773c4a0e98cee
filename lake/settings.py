"""Every setting, with a default that runs. Constructed at process edges only; nothing else reads the environment."""

import os
from datetime import date
from pathlib import Path

from loguru import logger
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from market.errors import Permanent

ROOT = Path(__file__).resolve().parent.parent

_PACE = "requests per second; empty: as the real host allows, no limit at the exchange; 0: no limit"
_KEY_ENDS = "last day of the key, YYYY-MM-DD; empty: not known. A month before it the watch begins to warn"
_QUOTA = "calls a day that the key allows; empty: as the real host allows, no limit at the exchange"


class Settings(BaseSettings):
    """Values from the environment (prefix MARKETLAKE_), then from the env file, then these defaults.

    Paths are relative to the project's root. A URL decides which backing service is used; nothing else does.
    """

    model_config = SettingsConfigDict(
        env_prefix="MARKETLAKE_", env_file=(ROOT / ".env",), extra="ignore", frozen=True, env_ignore_empty=True
    )

    lake_url: str = Field("./var/lake", description="root of the lake: a folder or s3://bucket/prefix")
    s3_endpoint_url: str = Field("", description="endpoint of the S3 server; empty for AWS")
    s3_access_key_id: SecretStr = Field(
        SecretStr(""), description="S3 access key; empty: AWS's own chain of credentials"
    )
    s3_secret_access_key: SecretStr = Field(SecretStr(""), description="secret of the S3 access key")
    s3_region: str = Field("us-east-1", description="region of the S3 server")
    spark_master: str = Field(
        "local[*]",
        description="Spark master: local[*], spark://host:port, yarn, k8s://url, emr-serverless://application; in a job that"
        " spark-submit starts: submitted",
    )
    spark_driver_memory: str = Field("2g", description="heap of the Spark driver")
    spark_conf_file: Path | None = Field(
        None, description="a file of further Spark properties, a name and a value on each line; they win over ours"
    )
    spark_secret: SecretStr = Field(
        SecretStr(""),
        description="secret that a standalone cluster shares (spark.authenticate); empty: it asks for none",
    )
    spark_python: str = Field("", description="Python of Spark's executors; empty: the one that runs the driver")
    emr_role_arn: str = Field("", description="role that jobs of EMR Serverless run as")
    emr_environment_url: str = Field(
        "", description="packed Python environment of EMR jobs, s3://….tar.gz; empty: the application's image has one"
    )
    emr_submit_parameters: str = Field(
        "", description="further spark-submit parameters of EMR jobs, `--conf name=value` each: sizes, jars"
    )
    emr_timeout_minutes: int = Field(60, description="minutes after which EMR Serverless ends a job of ours")
    emr_poll_s: float = Field(5.0, description="seconds between two looks at a job of EMR Serverless and its messages")
    sql_url: str = Field("duckdb://", description="SQL engine: duckdb:// or trino://user@host:port/lake")
    online_url: str = Field(
        "sqlite:///var/online.db", description="online feature store: sqlite:///file or redis://host"
    )
    cache_url: str = Field(
        "sqlite:///var/cache.db", description="cache of the API's answers: sqlite:///file or redis://host"
    )
    mlflow_tracking_uri: str = Field("sqlite:///var/mlflow/mlflow.db", description="MLflow tracking and registry")
    sentiment_model: str = Field(
        "",
        description="encoder that reads headlines: a folder, or an id at the Hugging Face hub such as snunlp/KR-FinBert; empty: a small"
        " one of our own, which reads the lake's headlines",
    )
    sentiment_labels: str = Field(
        "",
        description="CSV file of labelled sentences, columns text and label (negative, neutral, positive); empty: the project's own",
    )
    sentiment_lexicon: str = Field(
        "", description="JSON file of a sentiment lexicon (KNU's form) that models are held against; empty: none"
    )
    training_ranks: int = Field(
        0,
        description="ranks that a distributed model is fitted by; 0: two where Horovod is installed, else one. It changes no bit",
    )
    training_launcher: str = Field(
        "horovodrun",
        description="what starts several ranks: horovodrun on this machine, spark on the executors of the Spark master",
    )
    training_workers: int = Field(
        0,
        description="workers that trees are newly fitted by, tasks on the executors of the Spark master; 0: two where that is a cluster"
        " (spark://, yarn, k8s://), else 1, in process. It changes bits, and is recorded: a replay has the run's own",
    )
    training_folder: Path = Field(
        Path("var/training"),
        description="checkpoints of fits under way; executors must see it where spark starts the ranks",
    )
    dagster_home: Path = Field(Path("var/dagster"), description="Dagster's instance folder")

    exchange_url: str = Field(
        "http://127.0.0.1:8899", description="the simulated outside world, where a source is not live"
    )
    krx_base_url: str = Field("", description="KRX Open API; 'live' for the real host, empty for the exchange")
    yahoo_base_url: str = Field("", description="Yahoo v8 chart; 'live' for the real host, empty for the exchange")
    dart_base_url: str = Field("", description="OpenDART; 'live' for the real host, empty for the exchange")
    naver_base_url: str = Field("", description="Naver search; 'live' for the real host, empty for the exchange")
    sec_base_url: str = Field("", description="SEC EDGAR; 'live' for the real hosts, empty for the exchange")
    kakao_base_url: str = Field(
        "",
        description="Daum by Kakao's web search; 'live' for the real host, 'off' to leave it out, empty for the exchange",
    )
    krx_market_base_url: str = Field(
        "",
        description="KRX Data Marketplace, for members; 'live' for the real host, 'off' to leave it out, empty for the exchange",
    )
    krx_api_key: SecretStr = Field(SecretStr(""), description="KRX Open API key (openapi.krx.co.kr)")
    krx_services: str = Field(
        "krx_dd_trd,kospi_dd_trd,kosdaq_dd_trd,etf_bydd_trd",
        description="services of KRX Open API asked beside those of the stocks, comma-separated: indices, ETFs; 'off' for none."
        " One that the key is not approved for stops nothing: bronze.krx_services shows it",
    )
    krx_id: SecretStr = Field(
        SecretStr(""), description="id of a member of KRX Data Marketplace (data.krx.co.kr); empty: it is not asked"
    )
    krx_password: SecretStr = Field(SecretStr(""), description="password of that member")
    dart_api_key: SecretStr = Field(SecretStr(""), description="OpenDART key, 40 characters (opendart.fss.or.kr)")
    naver_client_id: SecretStr = Field(SecretStr(""), description="Naver search client id")
    naver_client_secret: SecretStr = Field(SecretStr(""), description="Naver search client secret")
    kakao_api_key: SecretStr = Field(SecretStr(""), description="Kakao REST API key (developers.kakao.com)")
    naver_flavour: str = Field("legacy", description="Naver's search API: legacy or hub (host and header names differ)")
    sec_user_agent: str = Field(
        "", description="who asks SEC, as it demands: 'Name email@host'; empty: a name that the exchange takes"
    )
    us_symbols: str = Field(
        "",
        description="US symbols to ingest, comma-separated: AAPL, BRK-B; 'sec' for all of SEC's list of tickers, 'sec:500' for its first, by"
        " market value; '-TSLA' leaves one out. Empty: those that the world names",
    )
    yahoo_kr_symbols: str = Field(
        "",
        description="Korean symbols whose charts Yahoo is asked for too, comma-separated: 005930.KS, 035720.KQ. They are held against KRX's"
        " closes and never become prices; empty: none",
    )

    krx_pace_per_s: float | None = Field(None, description=_PACE)
    yahoo_pace_per_s: float | None = Field(None, description=_PACE)
    dart_pace_per_s: float | None = Field(None, description=_PACE)
    naver_pace_per_s: float | None = Field(None, description=_PACE)
    sec_pace_per_s: float | None = Field(None, description=_PACE)
    kakao_pace_per_s: float | None = Field(None, description=_PACE)
    krx_market_pace_per_s: float | None = Field(None, description=f"{_PACE}. It blocks who asks too fast: 1")
    krx_quota_per_day: int | None = Field(None, description=_QUOTA)
    yahoo_quota_per_day: int | None = Field(None, description=_QUOTA)
    dart_quota_per_day: int | None = Field(None, description=_QUOTA)
    naver_quota_per_day: int | None = Field(None, description=_QUOTA)
    sec_quota_per_day: int | None = Field(None, description=_QUOTA)
    kakao_quota_per_day: int | None = Field(None, description=_QUOTA)
    krx_market_quota_per_day: int | None = Field(None, description=_QUOTA)
    krx_key_ends: date | None = Field(None, description=_KEY_ENDS)
    dart_key_ends: date | None = Field(None, description=_KEY_ENDS)
    naver_key_ends: date | None = Field(None, description=f"{_KEY_ENDS} (the legacy keys: 2027-06-30)")
    kakao_key_ends: date | None = Field(None, description=_KEY_ENDS)
    krx_market_key_ends: date | None = Field(
        None, description=f"{_KEY_ENDS}. Here the member's password: KRX wants another one every three months"
    )
    http_timeout_s: float = Field(20.0, description="seconds to wait for an answer")
    http_attempts: int = Field(5, description="tries of a transient failure")
    http_backoff_s: float = Field(0.5, description="first pause between tries, doubled each time, with jitter")
    http_max_pause_s: float = Field(60.0, description="longest pause; a longer Retry-After fails at once")
    http_most_mb: int = Field(32, description="megabytes that an answer may hold, unpacked; what is larger is refused")
    http_parallel: int = Field(8, description="requests in flight per source")

    state_dir: Path = Field(
        Path("var"), description="folder of what is made beside the lake: logs, data docs, process ids"
    )
    first_session: date = Field(date(2010, 1, 4), description="first session of the lake (partitions start here)")
    last_session: date | None = Field(None, description="last session of the lake; empty: today")
    alert_webhook_url: str = Field("", description="where a failed run is posted as JSON; empty: the log alone")
    quarantine_limit: float | None = Field(
        None, description="share of refused rows above which a release is blocked; empty: as each contract says (0.05)"
    )
    api_port: int = Field(8000, description="port of the API")
    data_docs_port: int = Field(8001, description="port of Data Docs")
    mlflow_port: int = Field(8002, description="port of MLflow")
    dagster_port: int = Field(3000, description="port of the Dagster UI")
    exchange_port: int = Field(8899, description="port of the exchange")
    s3_port: int = Field(18333, description="port of the S3 server of the local stack")
    postgres_port: int = Field(15432, description="port of PostgreSQL of the local stack")
    redis_port: int = Field(16379, description="port of Redis of the local stack")
    spark_port: int = Field(17077, description="port of the Spark master of the local stack")
    trino_port: int = Field(18080, description="port of Trino of the local stack")
    env_file: Path | None = Field(None, description="a file of settings; `marketlake up` writes one")

    def path(self, value: str | Path) -> Path:
        """A path of a setting, absolute; a relative one starts at the project's root, wherever the process runs."""
        return (ROOT / Path(value).expanduser()).resolve()


STACK_FILE = ROOT / "var" / "stack" / "embedded.env"


def read_settings(**given: object) -> Settings:
    """The settings of this process: given values, the environment, the file that MARKETLAKE_ENV_FILE names, `.env`, and what
    `marketlake up` or `demo` wrote for the embedded stack, in that order.

    Raises
    ------
    Permanent
        MARKETLAKE_ENV_FILE names a file that is not there, and that `marketlake up` would not write.
    """
    named = os.environ.get("MARKETLAKE_ENV_FILE", "")
    file = (ROOT / Path(named).expanduser()).resolve() if named else None
    files = (STACK_FILE, ROOT / ".env", *([file] if file else []))
    settings = Settings(_env_file=files, **given)  # type: ignore[call-arg, arg-type]  # pydantic's own argument
    if file and not file.is_file():
        _refuse_missing(file, settings.path(settings.state_dir) / "stack")
    return settings


def _refuse_missing(file: Path, written: Path) -> None:
    """Refuse a file of settings that is not there, unless `marketlake up` writes it: who starts a stack may name its file before."""
    if file == written / "local.env":
        logger.warning("MARKETLAKE_ENV_FILE is not there: `marketlake up --stack local` writes it", file=str(file))
    elif file != written / STACK_FILE.name:
        raise Permanent(
            "MARKETLAKE_ENV_FILE", expected="a file of settings", found=f"no file {file}",
            do="Correct it (a relative one starts at the project's root), or unset it",
        )  # fmt: skip
