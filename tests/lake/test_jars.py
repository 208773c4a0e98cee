"""The cache of jars: a file is there whole and as locked, or not at all. The repository is a server on loopback."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lake import jars
from market.errors import Permanent, Transient

NAME, CONTENT = "org.example:one:1.0", b"a jar" * 1000
PATH = "org/example/one/1.0/one-1.0.jar"


class Repository:
    """What it sends for the jar, and how often it was asked; `cut` answers break off half way."""

    def __init__(self) -> None:
        self.content, self.cut, self.asked = CONTENT, 0, 0


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    told = Repository()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.endswith(PATH):
                self.send_error(404)
                return
            told.asked += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(told.content)))
            self.end_headers()
            is_cut = told.asked <= told.cut
            self.wfile.write(told.content[: len(told.content) // 2] if is_cut else told.content)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    lock = tmp_path / "jars.json"
    lock.write_text(json.dumps({"spark": {NAME: hashlib.sha256(CONTENT).hexdigest()}}))
    monkeypatch.setattr(jars, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(jars, "LOCK", lock)
    monkeypatch.setattr("jgo.maven._core.DEFAULT_REMOTE_REPOS", {"here": f"http://127.0.0.1:{server.server_port}"})
    yield told
    server.shutdown()


def files() -> list[str]:
    """Names of what is in the cache."""
    return sorted(file.name for file in jars.CACHE.rglob("*") if file.is_file())


def test_a_jar_is_fetched_once(repository: Repository) -> None:
    (path,) = jars.ensure_jars("spark")
    assert (path, path.read_bytes()) == (jars.CACHE / "maven" / PATH, CONTENT)
    assert jars.ensure_jars("spark") == (path,) and repository.asked == 1
    assert files() == ["one-1.0.jar", "one-1.0.jar.checked"]


def test_a_cut_download_is_asked_for_again(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars.PATIENTLY, "sleep", lambda seconds: None)
    repository.cut = 3
    assert [path.read_bytes() for path in jars.ensure_jars("spark")] == [CONTENT]


def test_downloads_that_are_cut_leave_nothing_and_the_next_one_serves(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars.PATIENTLY, "sleep", lambda seconds: None)
    repository.cut = 4
    with pytest.raises(Transient, match="jar org"):
        jars.ensure_jars("spark")
    assert files() == []
    assert [path.read_bytes() for path in jars.ensure_jars("spark")] == [CONTENT]


def test_a_half_file_in_the_cache_is_replaced(repository: Repository) -> None:
    half = jars.CACHE / "maven" / PATH
    half.parent.mkdir(parents=True)
    half.write_bytes(CONTENT[:100])
    assert jars.ensure_jars("spark") == (half,)
    assert half.read_bytes() == CONTENT


def test_another_jar_of_that_name_is_refused_and_never_in_the_cache(repository: Repository) -> None:
    repository.content = b"another"
    with pytest.raises(Permanent, match="SHA-256"):
        jars.ensure_jars("spark")
    assert files() == []
