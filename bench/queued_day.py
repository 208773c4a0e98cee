"""A day as the Dagster servers run it: `python -m bench.queued_day 2024-06-28` puts its jobs into the queue, which the daemon empties.

The UI's own API is asked, as a person's click or a schedule does; the exit code says whether every run ended well.
"""

import sys
from datetime import date
from time import monotonic, sleep

from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError
from requests import RequestException

from jobs.due import exchanges_of
from jobs.names import BUILD, INGEST, selected_sessions
from jobs.run import Runner, parse_day
from lake.settings import read_settings
from marketlake.stack.place import HOST

LIMIT_S = 500
ENDED = {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


def main(day: date) -> int:
    """0 where each run of the day succeeded."""
    settings = read_settings()
    runner = Runner(settings)
    runner.move_clock(day)
    client = DagsterGraphQLClient(HOST, port_number=settings.dagster_port)
    give_up = monotonic() + LIMIT_S
    for job in (*(INGEST[exchange] for exchange in exchanges_of(runner.lake, day)), BUILD):
        run_id = client.submit_job_execution(job, tags=selected_sessions(f"{day}", f"{day}"))
        print(f"queued {job} {run_id}", flush=True)
        if (status := ended(client, run_id, give_up)) != DagsterRunStatus.SUCCESS:
            print(f"{job} {run_id}: {status}", flush=True)
            return 1
    return 0


def ended(client: DagsterGraphQLClient, run_id: str, give_up: float) -> DagsterRunStatus | None:
    """How the run ended; None where it did not in time. A web server that is away is asked again."""
    while monotonic() < give_up:
        try:
            if (status := client.get_run_status(run_id)) in ENDED:
                return status
        except (DagsterGraphQLClientError, RequestException) as error:
            print(f"asking again: {error}", flush=True)
        sleep(0.5)
    return None


if __name__ == "__main__":
    raise SystemExit(main(parse_day(sys.argv[1])))
