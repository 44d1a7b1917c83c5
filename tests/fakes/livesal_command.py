"""The `livesal` command as people run it: a process of its own."""

import asyncio
import json
import os
import signal
import sys
import time
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

    async def ended_within(self, seconds: float) -> tuple[int, str, str]:
        """Return what `ended` does; fail if it took longer, not counting the time that no core was free for it."""
        started, waited = time.monotonic(), _waited_for_a_core(self._process.pid)
        ending = asyncio.ensure_future(self.ended())
        delay = 0.0
        while not ending.done():
            delay = max(delay, _waited_for_a_core(self._process.pid) - waited)
            await asyncio.wait([ending], timeout=0.05)
        took = time.monotonic() - started - delay
        assert took < seconds, f"it took {took:.1f} s to end, and {delay:.1f} s more for want of a core"
        return ending.result()

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


def _waited_for_a_core(pid: int) -> float:
    """Return the seconds that a process's main thread was ready to run and could not; 0 once it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0
