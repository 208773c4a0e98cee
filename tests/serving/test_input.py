"""Input that an endpoint does not have or cannot read is refused with what to send instead."""

import pytest


def test_a_parameter_that_there_is_not_is_refused_with_those_that_there_are(client):
    answer = client.get("/api/v1/stocks/005930/indicators", params={"names": "rsi_14", "form": "2024-05-03"})
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert fault["where"] == "form"
    assert "from" in fault["expected"]


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (b'{"symbols": ', "application/json", "JSON"),
        (b'{"symbols": ["005930"]}', "text/plain", "a JSON object, sent with Content-Type: application/json"),
    ],
)
def test_a_body_that_cannot_be_read_says_what_to_send(client, content, kind, expected):
    answer = client.post("/api/v1/models/any/predict", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["expected"] == expected
