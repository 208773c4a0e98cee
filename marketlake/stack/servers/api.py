"""What the embedded stack has too: the API (here in two processes) and Data Docs."""

import sys
from dataclasses import replace
from importlib.metadata import version

from marketlake import services as embedded
from marketlake.service import Service
from marketlake.stack.place import Place

WORKERS = 2


def services(place: Place) -> list[Service]:
    """The API, which reads from Trino and Redis, and Data Docs."""
    settings = place.settings
    named = {service.name: service for service in embedded.platform(settings)}
    api = replace(
        named["api"], command=(*named["api"].command, "--workers", str(WORKERS)), environment=place.s3_environment,
        reads=(place.settings_file,), waits_for=("s3", "redis", "trino"), version=f"FastAPI {version('fastapi')}, uvicorn {version('uvicorn')}",
    )  # fmt: skip
    docs = replace(named["data-docs"], version=f"Python {sys.version.split()[0]}")
    return [api, docs]
