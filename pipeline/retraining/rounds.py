"""Who does a round of retraining, and when its outcome is known.

The adaptation starts rounds and polls for their outcome between two frames. In the service a child process does them
while frames flow (`ChildRounds`); an evaluation does them at once and lets the outcome come true when a live system
would have had it (`SimulatedRounds`).
"""

import asyncio
import logging
import shutil
import tempfile
import time
from asyncio import TaskGroup
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from torch import Tensor

from configs.method import AdaptationSettings, MethodSettings
from models.checkpoint import read_state
from models.engine import Head, ServedNetwork
from models.errors import ModelError
from pipeline.errors import JobError, PipelineError
from pipeline.retraining.job import RESULT, Done, Job, Report, read_labels, stack, write_job
from pipeline.retraining.run_job import run_job
from pipeline.retraining.teacher import TeacherPlan
from pipeline.retraining.worker import RetrainingWorker
from pipeline.values import Keyframe, Map

_log = logging.getLogger("livesal.retraining")

_PREFIX: Final = "livesal-round-"
_KEPT: Final = 20
"""Jobs kept where they are kept at all."""
_TRIAL: Final = 1.0
"""Seconds that the trial of a remembered twin takes on a simulated clock, at most: it trains nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class RoundRequest:
    """What a round works on.

    Attributes:
        keyframes: the window; where it goes on, the round works on what it holds when the round's turn has come.
        base: weights to start from; empty = the original's.
        seed: of the order of the keyframes.
        trial: whether `base` is a remembered twin that is only judged against the original, without training.
    """

    keyframes: Iterable[Keyframe]
    base: Mapping[str, Tensor]
    seed: int
    trial: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A round's twin, ready to be swapped in.

    Attributes:
        report: how it was judged.
        state: its weights.
        head: that serves it.
        labels: that a closer look gave keyframes, by their sequence numbers.
    """

    report: Report
    state: Mapping[str, Tensor]
    head: Head
    labels: Mapping[int, Map] = field(default_factory=dict[int, Map])


@dataclass(frozen=True, slots=True)
class Failed:
    """A round that came to nothing, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Judging:
    """A round whose training is over; its twin is being built and checked."""


Outcome = Judging | Trained | Failed


class Rounds(Protocol):
    """Does one round at a time."""

    def start(self, request: RoundRequest, now: float) -> None:
        """Start a round at `now` seconds on the stream's clock."""
        ...

    def poll(self, now: float) -> Outcome | None:
        """Return what is new of the round, once; None while there is nothing."""
        ...

    def cancel(self) -> None:
        """Give up the round that is running; its outcome never comes."""
        ...


class ChildRounds:
    """Rounds in a child process, while frames flow; the new head is built and checked in a worker thread."""

    def __init__(
        self,
        camera: str,
        method: MethodSettings,
        network: ServedNetwork,
        settings: AdaptationSettings,
        worker: RetrainingWorker,
        tasks: TaskGroup,
        executor: Executor,
    ) -> None:
        """Hold what rounds need.

        Args:
            camera: whose rounds they are.
            method: names the colour network, and those of a closer look.
            network: where twins are served.
            settings: of the adaptation.
            worker: the child process, which cameras share.
            tasks: the group that rounds run in.
            executor: for files and new heads; not the frame path's.
        """
        self._camera = camera
        self._method = method
        self._network = network
        self._settings = settings
        self._worker = worker
        self._tasks = tasks
        self._executor = executor
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._outcome: Outcome | None = None

    def start(self, request: RoundRequest, now: float) -> None:
        """Start a round; see `Rounds`."""
        del now
        self._task = self._tasks.create_task(self._run(request), name="retraining round")
        self._ending.add(self._task)
        self._task.add_done_callback(self._ending.discard)

    def poll(self, now: float) -> Outcome | None:
        """Return a finished round's outcome; see `Rounds`."""
        del now
        outcome, self._outcome = self._outcome, None
        return outcome

    def cancel(self) -> None:
        """Give up the round that is running; see `Rounds`."""
        if self._task is not None:
            self._task.cancel()
        self._task = None
        self._outcome = None

    @property
    def queued(self) -> bool:
        """Whether a round waits until it is this camera's turn."""
        return self._worker.turns.waits(self._camera)

    async def wait(self) -> None:
        """Wait until no round is running."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Give up the round that is running; wait until it and those given up before have let go of everything."""
        self.cancel()
        if self._ending:
            await asyncio.wait(self._ending)

    async def _run(self, request: RoundRequest) -> None:
        loop = asyncio.get_running_loop()
        folder: Path | None = None
        try:
            async with self._worker.turns.turn(self._camera):
                keyframes = tuple(request.keyframes)
                request = replace(request, keyframes=keyframes)
                folder = made = await loop.run_in_executor(self._executor, self._folder, request)
                await loop.run_in_executor(self._executor, self._write, request, made)
                report = await self._worker.run(made, self._settings.retraining.timeout)
            self._outcome = Judging()
            self._outcome = await loop.run_in_executor(self._executor, self._finish, made, keyframes, report)
        except (PipelineError, ModelError, OSError) as error:
            _log.warning("retraining failed: %s", error)
            self._outcome = Failed(str(error))
        except Exception as error:  # noqa: BLE001 - a round that goes wrong, however it does, ends no camera
            _log.exception("retraining failed")
            self._outcome = Failed(f"{type(error).__name__}: {error}")
        finally:
            if folder is not None:
                await loop.run_in_executor(self._executor, self._clear_up, folder)

    def _folder(self, request: RoundRequest) -> Path:
        """Make the job's folder: a temporary one, or one to keep."""
        kept = self._settings.jobs
        try:
            if kept is None:
                return Path(tempfile.mkdtemp(prefix=_PREFIX))
            kept.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{request.seed:06d}-", dir=kept))
        except OSError as error:
            message = f"no folder for the round's job: {error}"
            raise JobError(message) from None

    def _clear_up(self, folder: Path) -> None:
        kept = self._settings.jobs
        old = [folder] if kept is None else sorted(kept.glob(f"{_PREFIX}*"), key=_age)[:-_KEPT]
        for one in old:
            shutil.rmtree(one, ignore_errors=True)

    def _write(self, request: RoundRequest, folder: Path) -> None:
        write_job(job_of(request, self._method, self._settings), folder)

    def _finish(self, folder: Path, keyframes: Sequence[Keyframe], report: Report) -> Outcome:
        done = Done(report, read_state(folder / RESULT), read_labels(folder))
        return _trained(done, keyframes, self._network)


class SimulatedRounds:
    """Rounds done at once in this process, whose outcome comes true after a simulated duration."""

    def __init__(
        self,
        method: MethodSettings,
        network: ServedNetwork,
        settings: AdaptationSettings,
        seconds: float | None = None,
    ) -> None:
        """Hold what rounds need.

        Args:
            method: names the colour network, and those of a closer look.
            network: where twins are served.
            settings: of the adaptation.
            seconds: duration of every round on the stream's clock; None = what it really took.
        """
        self._method = method
        self._network = network
        self._settings = settings
        self._seconds = seconds
        self._pending: tuple[float, Outcome] | None = None

    def start(self, request: RoundRequest, now: float) -> None:
        """Do the round; see `Rounds`."""
        started = time.monotonic()
        request = replace(request, keyframes=tuple(request.keyframes))
        outcome: Outcome
        try:
            done = run_job(job_of(request, self._method, self._settings))
            outcome = _trained(done, tuple(request.keyframes), self._network)
        except (PipelineError, ModelError) as error:
            outcome = Failed(str(error))
        seconds = time.monotonic() - started if self._seconds is None else self._seconds
        if request.trial:
            seconds = min(seconds, _TRIAL)
        self._pending = (now + seconds, outcome)

    def poll(self, now: float) -> Outcome | None:
        """Return the outcome once its time has come; see `Rounds`."""
        if self._pending is None or now < self._pending[0]:
            return None
        (_, outcome), self._pending = self._pending, None
        return outcome

    def cancel(self) -> None:
        """Forget the round; see `Rounds`."""
        self._pending = None


def _trained(done: Done, keyframes: Sequence[Keyframe], network: ServedNetwork) -> Trained:
    labels = {keyframes[index].sequence: label for index, label in done.labels.items()}
    return Trained(done.report, done.state, network.twin_head(done.state), labels)


def _age(folder: Path) -> float:
    return folder.stat().st_mtime


def job_of(request: RoundRequest, method: MethodSettings, settings: AdaptationSettings) -> Job:
    """Return the job that `request` asks for."""
    keyframes = tuple(request.keyframes)
    return Job(
        model=method.colour,
        settings=settings.retraining,
        held_out=settings.held_out,
        seed=request.seed,
        keyframes=stack(keyframes),
        base=request.base,
        trial=request.trial,
        teacher=TeacherPlan.of(method, settings),
        closer={index: held.closer for index, held in enumerate(keyframes) if held.closer is not None},
    )
