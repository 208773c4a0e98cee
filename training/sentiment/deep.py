"""The optional extra that everything with a neural network needs, and the pinning under which it gives equal bits.

What does not belong here: any model.
"""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from market.errors import Permanent

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors")


def absent() -> tuple[str, ...]:
    """Those of the packages that are not installed; empty where a network can be fitted and asked."""
    return tuple(name for name in PACKAGES if importlib.util.find_spec(name) is None)


def versions() -> str:
    """Each of the packages with its version; other versions may give other bits."""
    return ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def require() -> None:
    """Nothing where the packages are there.

    Raises
    ------
    Permanent
        One is not; it says how to add them.
    """
    if missing := absent():
        raise Permanent(
            "sentiment", expected=f"the packages {', '.join(PACKAGES)}", found=f"no {' and no '.join(missing)}",
            do="Add them with `make .venv/bin/.deep`, or run `make demo DEEP=1`",
        )  # fmt: skip


@contextmanager
def pinned(seed: int, threads: int = 1) -> Iterator[None]:
    """Inside, torch draws from this seed, uses so many threads, and refuses operations that give other bits each time.

    Sums over threads are taken in another order for another number of them, so equal bits need equal ``threads`` as well as an
    equal processor and version of torch.  Afterwards torch is as it was.
    """
    import torch

    filling = torch.utils.deterministic
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), filling.fill_uninitialized_memory
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    filling.fill_uninitialized_memory = (
        False  # a net for code that reads what it never wrote; it costs a pass over every result
    )
    try:
        with torch.random.fork_rng(devices=[]), quiet():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        filling.fill_uninitialized_memory = before[2]


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, transformers draws no bars and reports nothing but errors: what it says of a folder our own errors tell."""
    from transformers.utils import logging

    verbosity, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bars:
            logging.enable_progress_bar()
