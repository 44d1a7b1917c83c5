"""Events to a URL: one POST each, signed, tried again with pauses."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from random import Random
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

import httpx

from configs.events import WebhookSettings
from configs.source import ReconnectSettings
from stream.backoff import Backoff
from stream.cloud_events import CONTENT_TYPES, written
from stream.events import Event
from stream.redaction import redact
from stream.sinks.feed import Delivery

SIGNATURE: Final = "X-Livesal-Signature-256"
"""Header with `sha256=` and the HMAC of the body in hexadecimal digits, where a secret is set."""

DELIVERY: Final = "X-Livesal-Delivery"
"""Header that is the same in every try of one event."""

_PAUSES: Final = ReconnectSettings.model_validate({"initial": 0.5, "maximum": 30.0})
_PASSING: Final = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
"""Refusals that may pass, besides those of 500 and above."""

_log = logging.getLogger("livesal.events")


class Webhook:
    """A sink that posts to one URL.

    Attributes:
        name: `webhook-` and its place in the settings.
        filter: which events it gets.
        queue: events that wait for it.
        problem: why the last try failed; empty if it did not.
    """

    def __init__(
        self,
        number: int,
        settings: WebhookSettings,
        *,
        pauses: ReconnectSettings = _PAUSES,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Describe a webhook; nothing is sent yet.

        Args:
            number: its place in the settings, from 1.
            settings: where to, and how patiently.
            pauses: between two tries.
            random: their jitter.
            sleep: waits for seconds.
        """
        self.name = f"webhook-{number}"
        self.filter = settings
        self.queue = settings.queue
        self.problem = ""
        self._settings = settings
        self._pauses = pauses
        self._random = random or Random()  # noqa: S311 - jitter
        self._sleep = sleep
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """Make ready to send."""
        verify = await asyncio.to_thread(httpx.create_ssl_context)
        self._client = httpx.AsyncClient(verify=verify, timeout=self._settings.timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def deliver(self, event: Event) -> Delivery:
        """Post one event, as often as the settings allow; what a receiver does not want is not tried again."""
        body = written(event, self.filter.format).encode()
        headers = self._headers(body)
        backoff = Backoff(self._pauses, self._random)
        for attempt in range(self._settings.attempts):
            if attempt:
                await self._sleep(backoff.next())
            status = await self._post(body, headers)
            if status is not None and _is_success(status):
                self.problem = ""
                return "delivered"
            if status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _PASSING:
                return "refused"
        return "unreachable"

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": CONTENT_TYPES[self.filter.format], DELIVERY: str(uuid4()), "User-Agent": "livesal"}
        if self._settings.secret is not None:
            key = self._settings.secret.get_secret_value().encode()
            headers[SIGNATURE] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        return headers

    async def _post(self, body: bytes, headers: dict[str, str]) -> int | None:
        """Return what the receiver answers; None if it does not."""
        assert self._client is not None, "deliver inside `async with`"  # noqa: S101 - a defect, no state of the world
        try:
            answer = await self._client.post(self._settings.url.get_secret_value(), content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._report(str(error) or type(error).__name__)
            return None
        if not _is_success(answer.status_code):
            self._report(f"it answers {answer.status_code} {answer.reason_phrase}")
        return answer.status_code

    def _report(self, reason: str) -> None:
        """Say why an event cannot be delivered, once until the reason changes."""
        problem = f"{self.name} ({redact(self._settings.url.get_secret_value())}): {reason}"
        if problem != self.problem:
            _log.warning("%s; all else goes on", problem)
        self.problem = problem


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
