"""What is looked at goes on being looked at, whatever a look meets."""

import threading

from serving.refresher import Refresher


def test_a_look_that_fails_unforeseen_ends_neither_the_others_nor_the_thread():
    seen = threading.Semaphore(0)

    def broken() -> None:
        raise ZeroDivisionError("unforeseen")

    refresher = Refresher([broken, seen.release], period_s=0.01)
    refresher.start()
    assert all(seen.acquire(timeout=5) for _ in range(3))
    refresher.stop()
