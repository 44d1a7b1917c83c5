"""Rounds of retraining whose outcome the test decides."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import numpy as np
import torch

from models.training.twin import TwinStep
from pipeline.retraining.job import Done, Job, Report, read_job, write_result
from pipeline.retraining.rounds import Outcome, RoundRequest, Trained
from pipeline.turns import Turns, by_turns


def report(before: float = 0.5, after: float = 0.4) -> Report:
    return Report(keyframes=6, held_out=2, iterations=48, seconds=1.5, error_before=before, error_after=after)


def trained(before: float = 0.5, after: float = 0.4) -> Trained:
    """Return a round's twin whose head finds nothing salient."""
    return Trained(report(before, after), {"power": torch.tensor(2.0)}, lambda features: features[..., 0] * 0)


class FakeRounds:
    """Rounds that do nothing; the test puts in what the next poll says."""

    def __init__(self) -> None:
        self.requests: list[RoundRequest] = []
        self.outcome: Outcome | None = None
        self.cancelled = 0

    def start(self, request: RoundRequest, now: float) -> None:
        del now
        self.requests.append(request)

    def poll(self, now: float) -> Outcome | None:
        del now
        outcome, self.outcome = self.outcome, None
        return outcome

    def cancel(self) -> None:
        self.cancelled += 1


class FakeWorker:
    """The retraining child, faked: a job waits for `go`, then leaves a twin of `power`, or raises `error`.

    The label of a closer look is 0.5 everywhere.

    Attributes:
        jobs: taken so far.
        folders: of those jobs.
        cancelled: jobs that were given up.
        go: lets jobs finish; set to begin with.
        finished: jobs that left a twin or failed.
        warm: whether it was started before its first job.
        turns: whose round is next.
    """

    def __init__(self, power: float = 2.0, error: Exception | None = None, before: float = 0.5) -> None:
        self.jobs: list[Job] = []
        self.folders: list[Path] = []
        self.cancelled = self.finished = 0
        self.go = asyncio.Event()
        self.go.set()
        self.warm = False
        self.turns = Turns(1, by_turns)
        self.power, self.error, self.before = power, error, before

    async def run(self, folder: Path, seconds: float, on_step: Callable[[TwinStep], None] | None = None) -> Report:
        del seconds, on_step
        self.folders.append(folder)
        job = await asyncio.to_thread(read_job, folder)
        self.jobs.append(job)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.finished += 1
        if self.error is not None:
            raise self.error
        labels = {index: np.full(job.keyframes.labels.shape[1:], 0.5, np.float32) for index in job.closer}
        told = report(self.before, 0.4)
        await asyncio.to_thread(lambda: write_result(folder, Done(told, self.result(), labels)))
        return told

    def result(self) -> Mapping[str, torch.Tensor]:
        """Return the weights that a job leaves."""
        return {"power": torch.tensor(self.power)}

    async def start(self) -> None:
        self.warm = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End nothing."""
