"""All files and webhooks of the settings, each fed for itself."""

from asyncio import TaskGroup
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from configs.events import EventSettings
from stream.metrics import Metrics
from stream.sinks.feed import Sink, Subscribe, feed
from stream.sinks.json_lines import JsonLines
from stream.sinks.webhook import Webhook


class Sinks:
    """The receivers of events that the settings name; a slow or dead one delays no other."""

    def __init__(self, settings: EventSettings, metrics: Metrics) -> None:
        """Describe them; nothing is opened yet."""
        self._files = [JsonLines(settings.json_lines)] if settings.json_lines else []
        self._webhooks = [Webhook(number, one) for number, one in enumerate(settings.webhooks, start=1)]
        self._deliveries = metrics.deliveries
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open them.

        Raises:
            OutputError: a file cannot be written to.
        """
        async with AsyncExitStack() as opened:
            for file in self._files:
                await opened.enter_async_context(file)
            for webhook in self._webhooks:
                await opened.enter_async_context(webhook)
            self._stack = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def run(self, subscribe: Subscribe) -> None:
        """Deliver what is told, until that ends."""
        sinks: tuple[Sink, ...] = (*self._files, *self._webhooks)
        async with TaskGroup() as tasks:
            for sink in sinks:
                tasks.create_task(feed(sink, subscribe, self._deliveries), name=f"feed {sink.name}")
