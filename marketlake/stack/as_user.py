"""`python -m marketlake.stack.as_user NAME COMMAND...`: becomes the command, as that user. For servers that refuse root."""

import os
import pwd
import sys


def main(name: str, *command: str) -> None:
    """Give up root for good, then become the command."""
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
