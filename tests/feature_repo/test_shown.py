"""What follows the pointer: all of it, whichever part is away."""

import pytest

from lake import online, shown
from lake.objects import open_store
from lake.online import OnlineFeatures
from lake.releases import Releases
from lake.sql import trino
from market.errors import Permanent, Transient


@pytest.fixture
def moved(small_lake, tmp_path):
    """An online store that nobody filled, and a pointer that was rolled back."""
    releases = Releases(open_store(str(tmp_path / "pointer")))
    for release in (small_lake.before, small_lake.after):
        releases.publish(release)
    releases.rollback("r00001")
    return small_lake.with_online(tmp_path), releases


def away(what, error=Transient):
    def refuse(*_):
        raise error(what, expected="an answer", found="refused")

    return refuse


def test_without_the_online_store_sql_follows_all_the_same(moved, monkeypatch):
    synced = []
    monkeypatch.setattr(online, "fill_current", away("online store"))
    monkeypatch.setattr(trino, "sync", lambda *_: synced.append(1))
    with pytest.raises(
        Transient, match=r"its move, which stands; was the online store behind \(online store: .*refused\)"
    ):
        shown.follow(*moved)
    assert synced


def test_without_sql_the_online_store_follows_and_both_are_named_where_both_are_away(moved, monkeypatch):
    monkeypatch.setattr(trino, "sync", away("Trino", Permanent))
    with pytest.raises(Permanent, match="was the SQL catalog behind"):
        shown.follow(*moved)
    assert OnlineFeatures(moved[0]).get(["XKRX:005930"])["release_id"].to_pylist() == ["r00001"]
    monkeypatch.setattr(online, "fill_current", away("online store"))
    with pytest.raises(Transient, match=r"the online store behind .*; the SQL catalog behind"):
        shown.follow(*moved)
    monkeypatch.setattr(online, "fill_current", away("online store", Permanent))
    monkeypatch.setattr(trino, "sync", away("Trino"))
    with pytest.raises(
        Transient, match=r"the online store behind .*; the SQL catalog behind"
    ):  # trying again helps one
        shown.follow(*moved)


def test_before_the_first_release_there_is_nothing_to_follow(small_lake, tmp_path):
    with pytest.raises(Permanent, match="release: expected a published one"):
        shown.follow(small_lake.settings, Releases(open_store(str(tmp_path / "none"))))
