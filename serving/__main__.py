"""Runs the API: `python -m serving --port 8000`; `python -m serving openapi` prints the OpenAPI document."""

import argparse
import json
import sys
from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI
from loguru import logger

from lake.settings import Settings, read_settings
from serving import logs
from serving.app import create_app
from serving.metrics import count_together


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; or print the document. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="The Marketlake API.",
                                     epilog="example: python -m serving --port 8000")  # fmt: skip
    parser.add_argument("action", nargs="?", choices=("serve", "openapi"), default="serve")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--workers", type=int, default=1, help="processes that answer")
    parser.add_argument("--port", type=int, help="port; MARKETLAKE_API_PORT by default")
    chosen = parser.parse_args(arguments)
    settings = read_settings()
    if chosen.action == "openapi":
        sys.stdout.write(openapi_text(settings))
        return 0
    logs.configure()
    port = chosen.port or settings.api_port
    if chosen.workers > 1:
        count_together(settings.path(settings.state_dir) / "metrics" / f"api-{port}")
    logger.info("starting", url=f"http://{chosen.host}:{port}", docs=f"http://{chosen.host}:{port}/docs")
    # Our own line per request says more than uvicorn's, so its access log is off.
    uvicorn.run("serving.__main__:app", factory=True, host=chosen.host, port=port, workers=chosen.workers, access_log=False,
                log_config=None, timeout_graceful_shutdown=10)  # fmt: skip
    return 0


def app() -> FastAPI:
    """The API in one of its processes."""
    logs.configure()
    return create_app(read_settings())


def openapi_text(settings: Settings) -> str:
    """The OpenAPI document as the golden file holds it."""
    return json.dumps(create_app(settings).openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
