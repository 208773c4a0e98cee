"""What the files of deploy/ hand to each other: the exchange's sessions and keys, the S3 server's identities, the jars."""

import json
import re
import subprocess
from datetime import date
from pathlib import Path

from exchange.keys import DEFAULT_KEYS
from exchange.synthetic import build
from market import calendars
from marketlake.stack.servers import redis, s3
from marketlake.stack.servers.spark import GUARDED
from tests.test_deploy import COMPOSE, DEPLOY, ROOT, TEXT, a_place, containers


def test_the_sessions_and_the_keys_are_those_of_the_exchange_that_is_deployed() -> None:
    told = COMPOSE["services"]["dagster-code"]["environment"]
    days = calendars.sessions("XKRX", date(2010, 1, 4), build.LAST_DAY)[-build.N_SESSIONS :]
    assert (told["MARKETLAKE_FIRST_SESSION"], told["MARKETLAKE_LAST_SESSION"]) == (f"{days[0]}", f"{days[-1]}")
    for path in (DEPLOY / ".env.example", DEPLOY / "kubernetes" / "secrets.env.example"):
        assert all(f"#   {name}: {key}\n" in TEXT[path] for name, key in DEFAULT_KEYS.items())


def test_trino_reads_with_a_key_that_the_s3_server_lets_write_nothing(tmp_path: Path) -> None:
    (container,) = (c for name, c in containers() if name == "trino")
    given = {one["name"]: one.get("valueFrom", {}).get("secretKeyRef", {}).get("key") for one in container["env"]}
    jobs = {"S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"}
    assert not jobs & {*given, *given.values()} and not jobs & set(COMPOSE["services"]["trino"]["environment"])
    assert not any(name in value for name in jobs for value in COMPOSE["services"]["trino"]["environment"].values())
    (tmp_path / "weed").write_text(
        '#!/bin/sh\nfor word; do case $word in -s3.config=*) cat "${word#*=}";; esac; done\n'
    )
    (tmp_path / "weed").chmod(0o755)
    keys = {"S3_ACCESS_KEY_ID": "s3_access_key_id", "S3_SECRET_ACCESS_KEY": "s3_secret_access_key",
            "S3_READER_KEY_ID": "s3_reader_key_id", "S3_READER_SECRET": "s3_reader_secret"}  # fmt: skip
    made = subprocess.run(["sh", DEPLOY / "s3" / "start.sh"], capture_output=True, text=True, check=True,
                          env={**keys, "PATH": f"{tmp_path}:/usr/bin:/bin", "TMPDIR": str(tmp_path)})  # fmt: skip
    here = next(text for service in s3.services(a_place(tmp_path)) for text in service.files.values())
    assert json.loads(made.stdout) == json.loads(here)


def test_what_spark_needs_on_s3_is_there_before_anything_starts() -> None:
    assert re.search(r"^RUN python -m lake.jars spark s3", TEXT[DEPLOY / "Dockerfile"], re.MULTILINE)
    stack = (ROOT / "Makefile").read_text().partition("$(BIN)/.stack:")[2].partition("\n\n")[0]
    assert "-m lake.jars s3 trino" in stack


def test_redis_keeps_and_puts_out_what_the_one_of_the_stack_does() -> None:
    conf = (DEPLOY / "redis" / "redis.conf").read_text().splitlines()
    ours = [
        line
        for line in redis.CONF.splitlines()
        if line.partition(" ")[0] in ("save", "appendonly", "maxmemory", "maxmemory-policy")
    ]
    assert len(ours) == 4 and set(ours) <= set(conf)


def test_sparks_master_and_workers_are_guarded_as_those_of_the_stack() -> None:
    wanted = [f"-Dspark.{name}" for name in GUARDED]
    told = {name: COMPOSE["services"][name]["environment"] for name in ("spark-master", "spark-worker")}
    in_cluster = {
        name: {one["name"]: one.get("value", "") for one in c["env"]} for name, c in containers() if name in told
    }
    assert set(in_cluster) == set(told)
    for found in (*told.values(), *in_cluster.values()):
        assert found["SPARK_DAEMON_JAVA_OPTS"].split() == wanted and "_SPARK_AUTH_SECRET" in found
