"""How this package's loops over rows are compiled.

What does not belong here: the loops, nor helpers they share. numba keeps machine code beside a file and sees no change in another one.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """``function`` compiled at its first call, its machine code kept beside its file; a division by zero gives what numpy gives."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def helper(function: F) -> F:
    """``function`` for the kernels of its own file: compiled into them, so it needs no cache entry of its own."""
    return cast(F, numba.njit(nogil=True, error_model="numpy")(function))
