"""The service and its viewers, each in a process of its own; they end when their standard input does."""

import asyncio
import json
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psutil

from pipeline.errors import BenchError

_LINE: Final = 1 << 27
"""Longest line in bytes: a process tells all it has recorded in one."""
_PATIENCE: Final = 180.0
"""Seconds after which a process that says nothing is given up: a busy machine takes a minute for the imports."""


@dataclass(slots=True)
class Running:
    """A process under way.

    Attributes:
        started_at: monotonic seconds at which it was started.
        samples: (monotonic seconds, processor seconds, bytes resident, bytes resident with children) since then.
    """

    process: Process
    started_at: float
    samples: list[tuple[float, float, int, int]] = field(default_factory=list)

    async def end(self) -> dict[str, Any]:
        """Tell it to end, and return what it has recorded.

        Raises:
            BenchError: it failed, or does not end.
        """
        if self.process.stdin is not None and not self.process.stdin.is_closing():
            self.process.stdin.close()
        return await self.told()

    async def told(self) -> dict[str, Any]:
        """Return the next line that it prints, an object of JSON.

        Raises:
            BenchError: it has ended without one, or takes too long.
        """
        if self.process.stdout is None:
            message = "a process without an output tells nothing"
            raise BenchError(message)
        try:
            async with asyncio.timeout(_PATIENCE):
                line = await self.process.stdout.readline()
        except TimeoutError:
            message = f"the process {self.process.pid} of the benchmark has said nothing for {_PATIENCE:g} s"
            raise BenchError(message) from None
        if not line:
            message = f"a process of the benchmark failed with code {await self.process.wait()}; its error is above"
            raise BenchError(message)
        told: dict[str, Any] = json.loads(line)
        return told

    def sample(self) -> None:
        """Take note of the process's use of processor and memory."""
        process = psutil.Process(self.process.pid)
        times = process.cpu_times()
        own = process.memory_info().rss
        family = own
        for child in process.children(recursive=True):
            try:
                family += child.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        self.samples.append((time.monotonic(), times.user + times.system, own, family))

    async def sample_for(self, seconds: float, every: float = 0.5) -> None:
        """Sample for `seconds`, first and last included."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.sample()
            await asyncio.sleep(min(every, left))
        self.sample()

    def cores(self, since: float) -> float:
        """Return how many cores it has used since `since`, monotonic seconds."""
        taken = [sample for sample in self.samples if sample[0] >= since]
        span = taken[-1][0] - taken[0][0]
        return (taken[-1][1] - taken[0][1]) / span if span > 0 else 0.0


@asynccontextmanager
async def running(module: str, *arguments: str) -> AsyncIterator[Running]:
    """Run `python -m module` with its standard error ours; it is gone afterwards."""
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE, limit=_LINE
    )
    try:
        yield Running(process, started)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def serving(settings: Mapping[str, Any]) -> AsyncIterator[Running]:
    """Run the service with `settings`; once it serves it tells {"url"}, in the end what it recorded."""
    async with running("pipeline.bench.served", json.dumps(settings)) as service:
        yield service


@asynccontextmanager
async def watching(endpoints: Sequence[str]) -> AsyncIterator[Running]:
    """Run a viewer of each endpoint; see `pipeline.bench.watched` for what they tell."""
    async with running("pipeline.bench.watched", *endpoints) as viewers:
        yield viewers


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def set_options(changes: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return nested settings as `--set` options of the command line."""
    options: list[str] = []
    for key, value in changes.items():
        if isinstance(value, Mapping):
            options += set_options(value, f"{prefix}{key}.")
        else:
            options += ["--set", f"{prefix}{key}={json.dumps(value)}"]
    return options
