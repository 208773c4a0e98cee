"""The asset graph as text, for the golden file that shows a reviewer what discovery found: `python -m jobs.golden`."""

from datetime import date

from jobs.build import build
from lake.settings import Settings

FIRST, LAST = date(2024, 1, 2), date(2024, 6, 28)


def asset_graph() -> str:
    """Every asset with its group, partitions, checks and what it reads; every job, schedule and sensor."""
    definitions = build(Settings(_env_file=None, first_session=FIRST, last_session=LAST))  # type: ignore[call-arg]
    graph = definitions.resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.to_user_string()):
        node = graph.get(key)
        partitions = len(node.partitions_def.get_partition_keys()) if node.partitions_def else 0
        checks = sorted(check.name for check in node.check_keys)
        reads = sorted(parent.to_user_string() for parent in node.parent_keys)
        lines.append(f"{key.to_user_string()} [{node.group_name}] {partitions} sessions, checks {checks or 'none'}")
        lines += [f"    <- {read}" for read in reads]
    repository = definitions.get_repository_def()
    lines += [
        f"job {job.name}" for job in sorted(repository.get_all_jobs(), key=lambda j: j.name) if job.name[0] != "_"
    ]
    lines += [f"schedule {s.name} {s.cron_schedule}" for s in sorted(repository.schedule_defs, key=lambda s: s.name)]
    lines += [f"sensor {s.name}" for s in sorted(repository.sensor_defs, key=lambda s: s.name)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(asset_graph(), end="")
