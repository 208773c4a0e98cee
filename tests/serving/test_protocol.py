"""What holds for every route: problem documents, tags, ids, limits, log lines, counts, no failure from any input."""

import base64
import io
import json
import string
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger

from lake.settings import Settings
from market.errors import Permanent
from serving import logs
from serving.__main__ import openapi_text
from serving.app import create_app

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "openapi.json"
PRICES = "/api/v1/stocks/005930/prices"


def _cursor(*parts):
    """A cursor that decodes, whatever is in it."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("url", "status", "where"),
    [
        ("/api/v1/stocks/999999", 404, "symbol"),
        ("/api/v1/stocks/%00/prices", 404, "symbol"),
        (f"{PRICES}?from=2024-05-03&to=2024-05-02", 422, "from"),
        (f"{PRICES}?from=2024-02-30", 422, "from"),
        (f"{PRICES}?to=yesterday", 422, "to"),
        (f"{PRICES}?to=0", 422, "to"),
        (f"{PRICES}?as_of=2024-05-03", 422, "as_of"),
        (f"{PRICES}?as_of=2024-05-03T09:00", 422, "as_of"),
        (f"{PRICES}?as_of=0001-01-01T00:00%2B09:00", 422, "as_of"),
        (f"{PRICES}?adjust=perhaps", 422, "adjust"),
        (f"{PRICES}?limit=0", 422, "limit"),
        (f"{PRICES}?limit=1001", 422, "limit"),
        (f"{PRICES}?limit=many", 422, "limit"),
        (f"{PRICES}?cursor=nonsense", 422, "cursor"),
        (f"{PRICES}?cursor=WyJuZXdzIiwgIjIwMjQtMDEtMDMiXQ", 422, "cursor"),
        (f"{PRICES}?cursor=WyJwcmljZXMiLCAiMjAyNC0xMy0wMyJd", 422, "cursor"),
        # A lone surrogate in the key of a cursor: ["stocks", "\\ud800"] and its like, in base64.
        ("/api/v1/stocks?cursor=" + _cursor("stocks", "\ud800"), 422, "cursor"),
        ("/api/v1/stocks/005930/filings?cursor=" + _cursor("filings", "2024-05-03", "\ud800"), 422, "cursor"),
        ("/api/v1/stocks/005930/predictions?cursor=" + _cursor("predictions", "2024-05-03", "\udfff"), 422, "cursor"),
        ("/api/v1/market/summary?cursor=" + _cursor("summary", "2024-05-03", "XKRX", "\ud800"), 422, "cursor"),
        ("/api/v1/stocks?exchange=XLON", 422, "exchange"),
        ("/api/v1/explain", 422, "table"),
    ],
)
def test_bad_input_is_a_problem_document_that_names_the_fault(client, url, status, where):
    answer = client.get(url)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["instance"] == answer.request.url.path
    assert set(body) == {"type", "title", "status", "detail", "instance", "errors"}
    assert body["errors"][0]["where"] == where
    assert all(set(fault) == {"where", "expected", "found"} for fault in body["errors"])


@pytest.mark.parametrize(("method", "url", "status"), [("GET", "/api/v1/nothing", 404), ("PUT", PRICES, 405)])
def test_what_is_no_route_is_a_problem_too(client, method, url, status):
    answer = client.request(method, url)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_ten_years_are_an_ordinary_question(client):
    answer = client.get(f"{PRICES}?from=2014-01-01&to=2024-12-31&limit=100")
    assert (answer.status_code, len(answer.json()["data"])) == (200, 100)
    assert answer.json()["next"]


def test_a_plus_that_came_as_a_space_is_understood(client):
    answer = client.get(f"{PRICES}?as_of=2024-05-03T09:00+09:00&limit=1")
    assert answer.json()["meta"]["as_of"] == "2024-05-03T00:00:00Z"


def test_an_unchanged_answer_is_a_304_and_another_url_has_another_tag(client):
    first = client.get(PRICES)
    tag = first.headers["ETag"]
    again = client.get(PRICES, headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert again.headers["X-Release-Id"] == "r00001"
    assert client.get(PRICES, headers={"If-None-Match": '"x"'}).status_code == 200
    assert client.get(f"{PRICES}?limit=250").headers["ETag"] != tag
    assert "ETag" not in client.get("/api/v1/stocks/999999").headers


def test_an_answer_to_a_post_has_its_tag_and_is_never_a_304(client):
    url = "/api/v1/models/return_rank_5d/predict"
    first = client.post(url, json={"symbols": ["005930"]})
    again = client.post(url, json={"symbols": ["005930"]}, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.headers["ETag"]) == (200, first.headers["ETag"])
    assert client.post(url, json={"symbols": ["AAPL"]}).headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize("path", ["/api/v1/stocks/999999", "/api/v1/nothing", f"{PRICES}?limit=0"])
def test_an_error_says_its_release_too(client, path):
    assert client.get(path).headers["X-Release-Id"] == "r00001"


def test_a_new_release_is_a_new_tag(client, lake):
    tag = client.get(PRICES).headers["ETag"]
    lake.releases.publish(lake.second)
    client.app.state.current.refresh()
    assert client.get(PRICES, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("given_id", ["abc-1.2_3", "", "x" * 65, "two words", "new\tline"])
def test_a_request_id_is_echoed_where_it_is_one(client, given_id):
    found = client.get("/healthz", headers={"X-Request-Id": given_id}).headers["X-Request-Id"]
    assert (found == given_id) == (given_id == "abc-1.2_3")
    assert found.isascii()
    assert 1 <= len(found) <= 64


def test_a_request_is_one_json_line(client):
    stream = io.StringIO()
    sink = logger.add(lambda message: stream.write(logs.line_of(message) + "\n"), level="INFO")
    client.get(f"{PRICES}?limit=1", headers={"X-Request-Id": "mine"})
    logger.remove(sink)
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines() if '"mine"' in line]
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "GET", PRICES, 200)
    assert (line["request_id"], line["release"]) == ("mine", "r00001")
    assert line["ms"] > 0


def test_requests_are_counted_by_route_and_not_by_path(client):
    for symbol in ("005930", "AAPL"):
        client.get(f"/api/v1/stocks/{symbol}")
    text = client.get("/metrics").text
    assert 'marketlake_http_requests_total{method="GET",route="/api/v1/stocks/{symbol}",status="200"}' in text
    assert "AAPL" not in text
    assert 'marketlake_release_info{kind="data",release_id="r00001",rulebook="krx-1"} 1.0' in text
    assert 'marketlake_champion_version{model="return_rank_5d"} 1.0' in text


def test_a_failure_of_ours_is_a_500_that_tells_nothing_but_its_id(tmp_path):
    app = create_app(Settings(lake_url=str(tmp_path), online_url=f"sqlite:///{tmp_path}/o.db",
                              cache_url=f"sqlite:///{tmp_path}/c.db", _env_file=None))  # fmt: skip

    def fail(kind: str) -> None:
        raise Permanent("secret place", found="broken") if kind == "ours" else ZeroDivisionError("secret place")

    app.add_api_route("/fail/{kind}", fail)
    client = TestClient(app, raise_server_exceptions=False)
    for kind in ("ours", "unforeseen"):
        answer = client.get(f"/fail/{kind}", headers={"X-Request-Id": "mine"})
        assert (answer.status_code, answer.headers["X-Request-Id"]) == (500, "mine")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "secret" not in answer.text


def test_an_unforeseen_failure_says_its_release_too(client, lake):
    def fail() -> None:
        raise ZeroDivisionError

    client.app.add_api_route("/fail", fail)
    answer = client.get("/fail")
    assert (answer.status_code, answer.headers["X-Release-Id"]) == (500, "r00001")


def test_the_pages_for_people_need_no_network(client):
    home, docs = client.get("/"), client.get("/docs")
    assert "r00001 (data)" in home.text
    assert "/docs" in home.text
    for page in (home, docs):
        assert page.headers["content-type"].startswith("text/html")
        assert "src=" not in page.text
        assert "https://" not in page.text


def test_the_openapi_document_is_the_reviewed_one(tmp_path):
    """Regenerate it with `python -m serving openapi > tests/golden/openapi.json` and read the difference."""
    made = openapi_text(Settings(lake_url=str(tmp_path), _env_file=None))
    assert json.loads(made) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_every_answer_with_data_is_described_with_its_meta(client):
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path.startswith("/api/"):
                schema = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
                assert set(document["components"]["schemas"][schema]["properties"]) == {"data", "meta", "next"}, path
                assert list(operation["responses"]["422"]["content"]) == ["application/problem+json"]


ROUTES = (
    "stocks", "stocks/{symbol}", "stocks/{symbol}/prices", "stocks/{symbol}/indicators", "stocks/{symbol}/predictions",
    "stocks/{symbol}/filings", "stocks/{symbol}/news", "stocks/{symbol}/actions", "stocks/{symbol}/fundamentals",
    "stocks/{symbol}/ratios", "stocks/{symbol}/listings", "stocks/{symbol}/adjustments", "models", "models/{symbol}",
    "releases",
    "releases/current", "explain", "market/summary",
)  # fmt: skip
PARAMETERS = (
    "from",
    "to",
    "as_of",
    "adjust",
    "names",
    "limit",
    "cursor",
    "exchange",
    "market",
    "q",
    "items",
    "basis",
    "span",
    "unexplained",
    "model",
    "table",
    "key",
    "column",
)
LIKELY = st.sampled_from([
    "005930", "AAPL", "XKRX:005930", "2024-05-03", "2024-05-03T09:00+09:00", "9999-12-31T23:59:59.999999-14:00",
    "0001-01-01",
    "true", "1", "-1", "1000", "99999999999999999999", "1e400", "nan", "rsi_14", "gold.prices", "gold.features_daily",
    "silver.prices", "ops.checks", "bronze.krx_daily", "close", "state", "WyJwcmljZXMiLCAiMjAyNC0wMS0wMyJd", "W10",
    "bnVsbA",
    "' OR 1=1 --", "%", "\x00", "🦆", "\ud7ff", "../../etc/passwd", "2024-05-03,2024-05-03", "KOSPI",
])  # fmt: skip
PARTS = LIKELY | st.text(max_size=5) | st.sampled_from(["\ud800", "0001-01-01T00:00+14:00", "2024-05-03"])
PARTS |= st.integers() | st.none() | st.floats() | st.lists(st.integers(), max_size=1)
CURSOR_OF = st.sampled_from(
    [
        "stocks",
        "prices",
        "indicators",
        "predictions",
        "filings",
        "news",
        "actions",
        "fundamentals",
        "listings",
        "adjustments",
        "summary",
        "releases",
    ]
)
CURSORS = st.builds(lambda route, parts: _cursor(route, *parts), CURSOR_OF, st.lists(PARTS, min_size=1, max_size=5))
VALUES = LIKELY | st.text(max_size=30) | st.text(string.printable, max_size=12) | st.dates().map(str)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(ROUTES), symbol=LIKELY | st.sampled_from(["005930"] * 10),
    params=st.lists(
        st.tuples(st.sampled_from(PARAMETERS), VALUES) | st.tuples(st.just("cursor"), CURSORS), max_size=5
    ),
)  # fmt: skip
def test_no_parameter_gives_a_failure(client, route, symbol, params):
    segment = quote(symbol.replace("/", "-"), safe="")  # any character may stand in a path, escaped
    answer = client.get("/api/v1/" + route.replace("{symbol}", segment), params=params)
    assert answer.status_code in (200, 404, 422), answer.text
    kind = "application/json" if answer.status_code == 200 else "application/problem+json"
    assert answer.headers["content-type"] == kind
    assert answer.json()


PAGED = {
    "stocks": ("stocks", 1), "stocks/005930/prices": ("prices", 1), "stocks/005930/indicators": ("indicators", 1),
    "stocks/005930/predictions": ("predictions", 2), "stocks/005930/filings": ("filings", 2), "stocks/005930/news": ("news", 2),
    "stocks/005930/actions": ("actions", 3), "stocks/005930/fundamentals": ("fundamentals", 5),
    "stocks/005930/listings": ("listings", 2), "stocks/005930/adjustments": ("adjustments", 1), "market/summary": ("summary", 3), "releases": ("releases", 1),
}  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=st.sampled_from(sorted(PAGED)), parts=st.lists(PARTS, min_size=5, max_size=5))
def test_no_cursor_of_the_right_shape_gives_a_failure(client, route, parts):
    name, n_parts = PAGED[route]
    answer = client.get(f"/api/v1/{route}", params={"cursor": _cursor(name, *parts[:n_parts])})
    assert answer.status_code in (200, 422), answer.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES, 
    lambda part: st.lists(part, max_size=3) | st.dictionaries(VALUES, part, max_size=3),
)  # fmt: skip
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["return_1d", "rsi_14", "momentum_20", "security_id", "session_date"]), JSON),
    max_size=3,
)
BODIES = st.fixed_dictionaries(
    {}, optional={"symbols": st.lists(VALUES, max_size=3) | JSON, "session_date": VALUES | JSON, "rows": ROWS | JSON}
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES | JSON)
def test_no_body_gives_a_failure(client, body):
    text = json.dumps(body)
    answer = client.post(
        "/api/v1/models/return_rank_5d/predict", content=text, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (200, 404, 422), answer.text
    assert answer.json()
