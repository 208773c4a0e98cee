"""How the stack starts Trino: unpacked whole or not at all, configuration for its owner's eyes, `marketlake sql` on it."""

import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lake.settings import ROOT, Settings
from marketlake.stack.place import Place
from marketlake.stack.servers import trino


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A server of three plugins, one of which shares a jar with another that is not ours."""
    made = tmp_path / "server.tar.gz"
    with tarfile.open(made, "w:gz") as tar:
        add(tar, "trino-server-1/lib/a.jar", b"lib")
        add(tar, "trino-server-1/plugin/hive/shared.jar", b"shared")
        add(tar, "trino-server-1/plugin/jmx/jmx.jar", b"jmx")
        link = tarfile.TarInfo("trino-server-1/plugin/delta-lake/shared.jar")
        link.type, link.linkname = tarfile.LNKTYPE, "trino-server-1/plugin/hive/shared.jar"
        tar.addfile(link)
    return made


def add(tar: tarfile.TarFile, name: str, payload: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(payload)
    tar.addfile(info, io.BytesIO(payload))


def test_our_plugins_are_kept_with_the_jars_they_share(archive, tmp_path):
    home = trino.unpack(archive, tmp_path / "home")
    assert {path.name for path in (home / "plugin").iterdir()} == {"delta-lake", "jmx"}
    assert (home / "plugin" / "delta-lake" / "shared.jar").read_bytes() == b"shared"


def test_one_that_broke_off_is_not_used(archive, tmp_path):
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:-60])
    with pytest.raises((EOFError, tarfile.ReadError, OSError)):
        trino.unpack(cut, tmp_path / "home")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.tar.gz", "server.tar.gz"]
    assert trino.unpack(archive, tmp_path / "home") == trino.unpack(archive, tmp_path / "home")


def test_the_configuration_listens_here_alone_and_is_the_owner_s(server, tmp_path):
    place = Place(Settings(_env_file=None, state_dir=tmp_path))
    (service,) = trino.services(place)
    text = service.files[place.of("trino") / "etc" / "config.properties"]
    assert "node.bind-ip=127.0.0.1\n" in text
    assert f"http-server.http.port={place.settings.trino_port}\n" in text
    assert f"internal-communication.shared-secret={place.credentials.trino_secret}\n" in text
    assert not any(place.credentials.trino_secret in word for word in service.command)
    assert "local.location=/\n" not in service.files[place.of("trino") / "etc" / "catalog" / "lake.properties"]
    written = server.place.of("trino") / "etc" / "catalog" / "lake.properties"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert trino.values(place) == {"SQL_URL": f"trino://marketlake@127.0.0.1:{place.settings.trino_port}/lake"}


def test_only_our_user_makes_anything():
    told = trino.rules()
    assert [rule.get("user") for rule in told["catalogs"]] == ["marketlake", None]
    assert "INSERT" not in json.dumps(told) and "DELETE" not in json.dumps(told)


def ask(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `marketlake sql` on that lake."""
    named = {
        "LAKE_URL": settings.lake_url, "SQL_URL": settings.sql_url, "S3_ENDPOINT_URL": settings.s3_endpoint_url,
        "S3_ACCESS_KEY_ID": settings.s3_access_key_id.get_secret_value(),
        "S3_SECRET_ACCESS_KEY": settings.s3_secret_access_key.get_secret_value(),
    }  # fmt: skip
    environment = {**os.environ, **{f"MARKETLAKE_{name}": value for name, value in named.items()}}
    return subprocess.run(
        [sys.executable, "-m", "marketlake.cli", "sql", *words], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_marketlake_sql_asks_trino_in_its_own_dialect(lake):
    query = "SELECT approx_distinct(symbol) AS n, count(*) AS rows FROM gold.prices"
    found = ask(lake.settings, query, "--engine", "trino", "--json")
    assert (found.returncode, json.loads(found.stdout)) == (0, [{"n": 6, "rows": 494}]), found.stderr
    found = ask(
        lake.settings, "SELECT count(*) AS n FROM gold.prices", "--engine", "trino", "--release", "r00002", "--json"
    )
    assert json.loads(found.stdout) == [{"n": 508}]


def test_marketlake_sql_says_what_to_do_without_trino(lake):
    found = ask(lake.on_duckdb, "SELECT 1", "--engine", "trino")
    assert found.returncode != 0
    assert "MARKETLAKE_SQL_URL: expected trino://user@host:port/lake" in found.stderr
    assert "--engine duckdb" in found.stderr
