"""Work trees of recorded commits, for replays; each commit has one, and all are gone at the end.

What does not belong here: what is run in them (assets.replay).
"""

import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from lake.code import ROOT
from market.errors import Permanent


class WorkTrees:
    """A context in which commits are checked out; within another one it uses that one's and leaves them there."""

    def __init__(self, outer: "WorkTrees | None" = None) -> None:
        self._outer, self._held = outer, ExitStack()
        self._trees: dict[str, Path] = {}

    def __enter__(self) -> "WorkTrees":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()
        self._trees.clear()

    def at(self, sha: str) -> Path:
        """The folder of that commit, checked out when first asked for.

        Raises
        ------
        Permanent
            This checkout does not have the commit.
        """
        if self._outer is not None:
            return self._outer.at(sha)
        if sha not in self._trees:
            folder = self._held.enter_context(tempfile.TemporaryDirectory(prefix="marketlake-replay-"))
            tree = Path(folder) / "tree"
            _git("worktree", "add", "--detach", str(tree), sha)
            self._held.callback(_git, "worktree", "remove", "--force", str(tree))
            self._trees[sha] = tree
        return self._trees[sha]


def _git(*words: str) -> None:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Permanent(f"git {words[0]} {words[1]}", expected="to succeed", found=done.stderr.strip(),
                        do="Fetch the recorded commit, or replay with the present code: --here")  # fmt: skip
