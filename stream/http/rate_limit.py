"""Not too many changes at once: a bucket of tokens for every address, for requests that make the service work."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from stream.http.problem import problem

_LIMITED: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_BURST: Final = 4.0
"""Seconds' worth of requests that may come at once."""
_ADDRESSES: Final = 4096
"""Addresses remembered; one that is forgotten starts with a full bucket."""


class RateLimit:
    """Answers 429 with `Retry-After` to an address that asks for more changes than `rate` a second."""

    def __init__(self, app: ASGIApp, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Wrap `app`.

        Args:
            app: what is protected.
            rate: requests a second and address; a burst may be four times that.
            clock: monotonic seconds.
        """
        self._app = app
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] in _LIMITED:
            wait = self._take(scope["client"][0] if scope.get("client") else "")
            if wait > 0:
                detail = f"more than {self._rate:g} changes a second from one address (http.rate_limit)"
                answer = problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(math.ceil(wait))})
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _take(self, address: str) -> float:
        """Take a token of `address`; return the seconds until there is one, 0 if it was there."""
        now = self._clock()
        size = max(1.0, _BURST * self._rate)
        filled, then = self._buckets.pop(address, (size, now))
        filled = min(size, filled + (now - then) * self._rate)
        wait = 0.0 if filled >= 1 else (1 - filled) / self._rate
        self._buckets[address] = (filled if wait else filled - 1, now)
        if len(self._buckets) > _ADDRESSES:
            self._buckets.popitem(last=False)
        return wait
