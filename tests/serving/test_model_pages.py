"""The pages of models: the champions, and the card of each with its pictures and its drift; no network, nothing that could run."""

import pytest

from lake.objects import lake_store
from tests.support.champion import MODEL, keep_drift

CARD = """# return_rank_5d

Ranks <script>alert(1)</script>.

## Folds

| fold | rank IC |
| --- | --- |
| 1 | +0.1000 |
"""
PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def with_card(lake):
    files = lake_store(lake.settings)
    files.put(f"models/{MODEL}/1/card.md", CARD.encode())
    files.put(f"models/{MODEL}/1/rank_ic_by_fold.png", PNG)
    return files


def test_the_landing_page_leads_to_the_champions_and_they_to_their_cards(client):
    assert 'href="/models"' in client.get("/").text
    text = client.get("/models").text
    assert f'href="/models/{MODEL}"' in text and "not measured" in text


def test_a_card_is_a_page_with_tables_and_nothing_that_could_run(client, with_card):
    text = client.get(f"/models/{MODEL}").text
    for shown in ("<h2>Folds</h2>", "<td>+0.1000</td>", "&lt;script&gt;", "Version 1", "marketlake replay run1"):
        assert shown in text
    assert "<script" not in text and "https://" not in text


def test_its_pictures_are_shown_and_are_the_bytes_of_the_training(client, with_card):
    address = f"/models/{MODEL}/1/rank_ic_by_fold.png"
    assert f'src="{address}"' in client.get(f"/models/{MODEL}").text
    answer = client.get(address)
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("file", ["signature.json", "booster.ubj", "none.png", "..%2f..%2fchampion.json", "%2e%2e"])
def test_nothing_but_pictures_is_given(client, with_card, file):
    assert client.get(f"/models/{MODEL}/1/{file}").status_code == 404


def test_the_route_has_the_card_for_programs(client, with_card):
    answer = client.get(f"/api/v1/models/{MODEL}/card").json()
    assert answer["data"] == [{"markdown": CARD, "pictures": [f"/models/{MODEL}/1/rank_ic_by_fold.png"]}]
    assert answer["meta"]["model"]["version"] == 1


def test_a_version_that_was_exported_without_a_card_says_how_to_read_it(client):
    text = client.get(f"/models/{MODEL}").text
    assert f"marketlake models card {MODEL} 1" in text and "not measured yet" in text
    assert client.get(f"/api/v1/models/{MODEL}/card").json()["data"] == [{"markdown": None, "pictures": []}]


def test_drift_is_on_both_pages(client, lake):
    keep_drift(lake.settings, version=1)
    assert ">drifted<" in client.get("/models").text
    text = client.get(f"/models/{MODEL}").text
    assert text.index("rsi_14: PSI 0.4") < text.index("return_1d: PSI 0.02")
    assert "All of it" in text


def test_a_model_that_is_not_there_is_not_found(client):
    assert client.get("/models/nothing").status_code == 404
    assert client.get("/api/v1/models/nothing/card").status_code == 404
