"""Work that is done one piece after the other, in threads that others use too."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")


class InOrder(Executor):
    """An executor that borrows threads of another: never two of its pieces run at once, and they keep their order.

    What keeps a state from one frame to the next needs that, such as the motion half with the frame before.
    """

    def __init__(self, threads: Executor) -> None:
        """Borrow from `threads`, which outlive this."""
        self._threads = threads
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._busy = False
        self._lock = Lock()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Queue a piece of work behind all that was queued before."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting.append((future, lambda: fn(*args, **kwargs)))
            if not self._busy:
                self._busy = True
                self._threads.submit(self._next)
        return future

    def _next(self) -> None:
        with self._lock:
            future, work = self._waiting.popleft()
        if future.set_running_or_notify_cancel():
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - whoever waits for the result is told of all
                future.set_exception(error)
            else:
                future.set_result(result)
        with self._lock:
            self._busy = bool(self._waiting)
            if self._busy:
                self._threads.submit(self._next)
