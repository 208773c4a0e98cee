"""Which file of settings is read, and that a wrong name of one is never another lake in silence."""

from pathlib import Path

import pytest

from lake import settings as module
from lake.settings import read_settings
from market.errors import Permanent


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with nothing in it; the process works in another folder."""
    made = tmp_path / "project"
    (made / "conf").mkdir(parents=True)
    monkeypatch.setattr(module, "ROOT", made)
    monkeypatch.setattr(module, "STACK_FILE", made / "var" / "stack" / "embedded.env")
    monkeypatch.delenv("MARKETLAKE_LAKE_URL", raising=False)
    monkeypatch.delenv("MARKETLAKE_STATE_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    return made


def test_a_relative_file_starts_at_the_projects_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "conf" / "one.env").write_text("MARKETLAKE_LAKE_URL=s3://one/lake\n")
    monkeypatch.setenv("MARKETLAKE_ENV_FILE", "conf/one.env")
    assert read_settings().lake_url == "s3://one/lake"


def test_the_named_file_wins_over_dotenv_and_that_over_the_stacks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module.STACK_FILE.parent.mkdir(parents=True)
    module.STACK_FILE.write_text("MARKETLAKE_LAKE_URL=stack\n")
    monkeypatch.delenv("MARKETLAKE_ENV_FILE", raising=False)
    assert read_settings().lake_url == "stack"
    (root / ".env").write_text("MARKETLAKE_LAKE_URL=dotenv\n")
    assert read_settings().lake_url == "dotenv"
    (root / "named.env").write_text("MARKETLAKE_LAKE_URL=named\n")
    monkeypatch.setenv("MARKETLAKE_ENV_FILE", "named.env")
    assert read_settings().lake_url == "named"


@pytest.mark.parametrize("named", ["conf/none.env", "var/stack/locl.env", "other/stack/local.env"])
def test_a_file_that_is_not_there_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("MARKETLAKE_ENV_FILE", named)
    with pytest.raises(Permanent, match=f"MARKETLAKE_ENV_FILE.*{root}/{named}"):
        read_settings()


def test_who_starts_a_stack_may_name_the_file_that_it_writes(
    root: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setenv("MARKETLAKE_ENV_FILE", "var/stack/local.env")
    assert read_settings().lake_url == "./var/lake"
    assert "up --stack local" in logged[0]
    monkeypatch.setenv("MARKETLAKE_STATE_DIR", str(root / "elsewhere"))
    monkeypatch.setenv("MARKETLAKE_ENV_FILE", str(root / "elsewhere" / "stack" / "embedded.env"))
    read_settings()
    assert len(logged) == 1
