"""How many examples a costly property draws: a share of what the profile says, so that `make test-all` draws more of these too."""

from hypothesis import settings


def share(part: float) -> int:
    """That part of the profile's examples, at least one."""
    return max(1, round(part * settings().max_examples))
