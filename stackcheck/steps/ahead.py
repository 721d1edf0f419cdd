"""Do the same for several stacks side by side, and hand the results out in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from stackcheck.intake.stack import Stack

T = TypeVar("T")


def ahead(work: Callable[[Stack], T], stacks: Iterable[Stack], workers: int) -> Iterator[T]:
    """Yield what `work` makes of each stack, in their order, and keep none.

    Twice as many as workers are ahead of the one that is yielded, however many there are. Whoever stops
    asking waits for no more than what is at work.
    """
    pool = ThreadPoolExecutor(workers)
    waiting: deque[Future[T]] = deque()
    try:
        for stack in stacks:
            waiting.append(pool.submit(work, stack))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
