"""The `livesal` command as people run it: a process of its own."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

_LIVESAL = Path(sys.executable).with_name("livesal")

QUICK = (
    "-s", "method.keyframe_threshold=1",
    "-s", "adaptation.first_keyframes=3",
    "-s", "adaptation.new_keyframes=1",
    "-s", "adaptation.cool_down=0",
    "-s", "adaptation.window.spacing=0.05",
    "-s", "adaptation.window.capacity=4",
    "-s", "adaptation.retraining.iterations_per_keyframe=1",
)  # fmt: skip
"""Options for short windows and short rounds."""


class Command:
    """A running `livesal`; what it prints is read line by line."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.said: list[str] = []
        self.logged: list[str] = []

    def children(self) -> list[psutil.Process]:
        """Return every process that descends from it now."""
        return psutil.Process(self._process.pid).children(recursive=True)

    async def line(self, part: str) -> str:
        """Return the next line of standard output that has `part` in it."""
        assert self._process.stdout is not None
        while line := (await self._process.stdout.readline()).decode():
            self.said.append(line)
            if part in line:
                return line.rstrip("\n")
        message = f"livesal ended (exit code {await self._process.wait()}) without saying '{part}': {self.said}"
        raise EOFError(message)

    async def record(self, part: str) -> dict[str, Any]:
        """Return the next JSON record on standard error whose message has `part` in it."""
        assert self._process.stderr is not None
        while line := (await self._process.stderr.readline()).decode():
            self.logged.append(line)
            record: dict[str, Any] = json.loads(line)
            if part in record["message"]:
                return record
        message = f"livesal ended (exit code {await self._process.wait()}) without logging '{part}': {self.logged}"
        raise EOFError(message)

    def tell(self, number: int) -> None:
        """Send a signal: SIGINT to all its processes, as a terminal does, others to itself, as `kill` does."""
        if number == signal.SIGINT:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)

    async def ended(self) -> tuple[int, str, str]:
        """Return its exit code, and all that it wrote to standard output and to standard error."""
        out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode, "".join(self.said) + out.decode(), "".join(self.logged) + err.decode()


@asynccontextmanager
async def livesal(*words: str, variables: Mapping[str, str] | None = None) -> AsyncIterator[Command]:
    """Run `livesal` with `words` and `variables` of the environment; whatever is left of it at the end is killed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LIVESAL_")}
    environment = {**inherited, **(variables or {})}
    process = await asyncio.create_subprocess_exec(
        str(_LIVESAL), *words, stdout=PIPE, stderr=PIPE, env=environment, process_group=0
    )
    command = Command(process)
    try:
        yield command
    finally:
        if process.returncode is None:
            for child in command.children():
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
