"""The parent's side of the retraining child: start it, give it jobs, kill it, start it again."""

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from models.training.twin import TwinStep
from pipeline.errors import RoundError
from pipeline.retraining.job import Report
from pipeline.turns import Turns, by_turns

_log = logging.getLogger("livesal.retraining")

_STARVED: Final = 10.0
"""Seconds without a word after which a child at idle priority counts as starved."""
_GOODBYE: Final = 2.0
"""Seconds that a child gets to leave before it is killed."""


class RetrainingWorker:
    """A child process that outlives its jobs; where it was started early, it has imported torch before the first.

    A child that dies fails its round and nothing else; the next round gets a new one.

    Attributes:
        turns: whose round is next; `run` is called within one's turn only.
    """

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-m", "pipeline.retraining.child")) -> None:
        """Prepare; the child starts with `start`, or with the first job, and ends with `async with` or `stop`."""
        self.turns = Turns(1, by_turns)
        self._command = command
        self._process: Process | None = None
        self._starved = False

    @property
    def pid(self) -> int | None:
        """Process id of the child; None while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the child, unless it runs: it is warm then before the first job comes."""
        await self._ensure()

    async def run(self, folder: Path, seconds: float, on_step: Callable[[TwinStep], None] | None = None) -> Report:
        """Have the job in `folder` done; its twin is in the folder afterwards.

        Args:
            folder: a job as `write_job` leaves it.
            seconds: time after which the child is killed.
            on_step: hears of progress.

        Raises:
            RoundError: the child failed, died or ran out of time; the message says which.
        """
        process = await self._ensure()
        assert process.stdin is not None  # noqa: S101 - it was started with pipes
        try:
            async with asyncio.timeout(seconds):
                process.stdin.write(f"{folder}\n".encode())
                await process.stdin.drain()
                return await self._listen(process, on_step)
        except TimeoutError:
            await self.stop()
            message = f"the round took longer than {seconds:g} s and was killed"
            raise RoundError(message) from None
        except (BrokenPipeError, ConnectionResetError):
            await self.stop()
            message = "the retraining process died before it took the job"
            raise RoundError(message) from None
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the child, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            try:
                async with asyncio.timeout(_GOODBYE):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await process.wait()

    async def _ensure(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            # a group of its own: Ctrl-C in a terminal is for us, who then end the child in good order
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, process_group=0
            )
            self._starved = False
        return self._process

    async def _listen(self, process: Process, on_step: Callable[[TwinStep], None] | None) -> Report:
        while True:
            message = await self._message(process)
            if "report" in message:
                return Report(**message["report"])
            if "error" in message:
                raise RoundError(message["error"])
            if "iteration" in message and on_step is not None:
                on_step(TwinStep(**message))

    async def _message(self, process: Process) -> dict[str, Any]:
        assert process.stdout is not None  # noqa: S101 - it was started with pipes
        line = await self._line(process.stdout, process.pid)
        if not line:
            code = await process.wait()
            message = f"the retraining process died (exit code {code})"
            raise RoundError(message)
        try:
            content = json.loads(line)
        except json.JSONDecodeError:  # a library's own word on standard output
            _log.warning("the retraining process said: %s", line.decode(errors="replace").rstrip())
            return {}
        return content if isinstance(content, dict) else {}

    async def _line(self, output: asyncio.StreamReader, pid: int) -> bytes:
        """Return the next line; a child that stays silent for long is lifted once from idle priority."""
        if self._starved:
            return await output.readline()
        try:
            async with asyncio.timeout(_STARVED):
                return await output.readline()
        except TimeoutError:
            self._starved = True
            raise_priority(pid)
            return await output.readline()


def raise_priority(pid: int) -> None:
    """Lift a starving child from idle priority on one core to the lowest ordinary one on all."""
    try:
        os.sched_setaffinity(pid, os.sched_getaffinity(0))
        os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, pid, 19)
    except OSError as error:
        _log.warning("the starving retraining process %d keeps idle priority: %s", pid, error)
    else:
        _log.info("the retraining process starved at idle priority; it goes on at nice 19")
