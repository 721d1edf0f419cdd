"""Do the same for several stacks side by side, and hand the results out in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stackcheck.intake.stack import Stack

T = TypeVar("T")


def ahead(
    work: Callable[[Stack], T],
    stacks: Iterable[Stack],
    workers: int,
    known: Callable[[Stack], T | None] = lambda _stack: None,
) -> Iterator[T]:
    """Yield what `work` makes of each stack, in their order, and keep none.

    `known` gives what needs no work, in this thread. Twice as many as workers are ahead of the one that is
    yielded, however many there are. Whoever stops asking waits for no more than what is at work.
    """
    pool = ThreadPoolExecutor(workers)
    waiting: deque[T | Future[T]] = deque()
    try:
        for stack in stacks:
            found = known(stack)
            waiting.append(pool.submit(work, stack) if found is None else found)
            if len(waiting) > 2 * workers:
                yield _had(waiting.popleft())
        while waiting:
            yield _had(waiting.popleft())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _had(found: T | Future[T]) -> T:
    return found.result() if isinstance(found, Future) else found
