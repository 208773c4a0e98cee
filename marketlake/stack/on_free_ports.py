"""`python -m marketlake.stack.on_free_ports PORT[,PORT...] COMMAND...`: becomes the command, once nothing of ours has its ports.

A server that is killed may leave children that hold its listening socket (uvicorn's workers do): without this none could start in
its place. supervisord starts again what died by the command alone, so it stands in the command.
"""

import os
import sys

import psutil

from marketlake import processes
from marketlake.stack.place import MARK


def main(ports: str, *command: str) -> None:
    """End those processes of this stack that listen on the ports, then become the command; others' are left alone."""
    taken = {port for port in map(int, ports.split(",")) if not processes.is_free(port)}
    if taken:
        left = processes.carrying(MARK, os.environ[MARK])
        processes.end([one for one in left if one.pid != os.getpid() and taken & _listens_on(one)], grace_s=0)
    os.execvp(command[0], command)


def _listens_on(one: psutil.Process) -> set[int]:
    try:
        return {found.laddr.port for found in one.net_connections("inet") if found.status == psutil.CONN_LISTEN}
    except (psutil.Error, OSError):
        return set()


if __name__ == "__main__":
    main(*sys.argv[1:])
