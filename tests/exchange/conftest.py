"""Servers shared by the exchange's tests: one small synthetic world, reset after each test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.keys import DEFAULT_KEYS
from exchange.server import Server, serve

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


class Client:
    """Asks a server the way a source's client does, keys included."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server.url)
        self.dart_key = DEFAULT_KEYS["DART_API_KEY"]
        self.krx_headers = {"AUTH_KEY": DEFAULT_KEYS["KRX_API_KEY"]}
        self.kakao_headers = {"Authorization": f"KakaoAK {DEFAULT_KEYS['KAKAO_API_KEY']}"}
        self.naver_headers = {
            "X-Naver-Client-Id": DEFAULT_KEYS["NAVER_CLIENT_ID"],
            "X-Naver-Client-Secret": DEFAULT_KEYS["NAVER_CLIENT_SECRET"],
        }

    def krx(self, service: str, bas_dd: str) -> httpx.Response:
        return self.http.get(f"/krx/svc/apis/sto/{service}", params={"basDd": bas_dd}, headers=self.krx_headers)

    def krx_rows(self, service: str, bas_dd: str) -> list[dict[str, str]]:
        return list(self.krx(service, bas_dd).json()["OutBlock_1"])

    def yahoo(self, symbol: str, **params: Any) -> httpx.Response:
        return self.http.get(f"/yahoo/v8/finance/chart/{symbol}", params={"interval": "1d", **params})

    def bars(self, symbol: str, **params: Any) -> dict[str, Any]:
        response = self.yahoo(symbol, **({"range": "max", "events": "div,splits,capitalGains"} | params))
        return dict(response.json()["chart"]["result"][0])

    def dart(self, **params: Any) -> dict[str, Any]:
        return dict(self.http.get("/dart/api/list.json", params={"crtfc_key": self.dart_key, **params}).json())

    def daum(self, **params: Any) -> httpx.Response:
        return self.http.get("/kakao/v2/search/web", params=params, headers=self.kakao_headers)

    def naver(self, **params: Any) -> httpx.Response:
        return self.http.get("/naver/v1/search/news.json", params=params, headers=self.naver_headers)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serve("synthetic:7", symbols=40, sessions=150) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    made = Client(server)
    yield made
    made.http.close()
    server.set_faults([])
    server.set_clock(server.world.end)


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("needs the recorded data in ../shared/data, which is not here")
    return SHARED
