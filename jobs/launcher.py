"""Dagster's own launcher, which also knows whether a run's process is still there.

Without it a run whose process was killed stays `started` for ever, and the queue, one run at a time, waits behind it. What does
not belong here: how runs are started.
"""

import psutil
from dagster import DagsterEventType, DagsterRun, DefaultRunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

_SLACK_S = 60.0
"""A process is that old or older than its first word, give or take a clock that was set meanwhile."""


class WatchedRunLauncher(DefaultRunLauncher):
    """For processes of this machine: runs that the code server started, and those of the command line.

    The monitoring daemon asks it about each run that is `started`, and marks those as failed whose process is gone.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """RUNNING while the process lives that last said it executes the run, or where none has said so yet."""
        events = self._instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
        told = [(event.timestamp, int(str(data["pid"].value)))
                for event in events if event.dagster_event and "pid" in (data := event.dagster_event.engine_event_data.metadata)]  # fmt: skip
        if not told or _lives(pid := told[-1][1], told[-1][0]):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, f"process {pid}, which executed the run, is gone")


def _lives(pid: int, spoke_at: float) -> bool:
    """True while the process of that number is the one that spoke then; numbers are given again."""
    try:
        process = psutil.Process(pid)
        return process.create_time() <= spoke_at + _SLACK_S and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
