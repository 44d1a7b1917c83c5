"""Sequence after sequence, in this process or several, with progress, resumable."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any, Final, Protocol, TypeAlias

import cv2
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from models.denormals import flush_denormals
from pipeline.allocation import keep_memory
from pipeline.evaluation.results import SequenceResult, load_result, save_result

Advance = Callable[[int], None]
"""Told how many more frames are done."""

Steps: TypeAlias = "Queue[tuple[str, int]]"
"""By which processes tell whose sequence went on by how many frames."""

_REFRESH: Final = 0.2
"""Seconds between two looks at what the processes have done."""

_child: Final[dict[str, Any]] = {}
"""Where a process of its own finds the queue for its steps: queues reach it only as it starts."""


class SequenceJob(Protocol):
    """The work on one sequence; it can be pickled."""

    @property
    def name(self) -> str:
        """What progress is reported under, and the result's file is called."""
        ...

    @property
    def length(self) -> int:
        """Frames to go through."""
        ...

    @property
    def inputs(self) -> str:
        """Digest of the files that it reads."""
        ...

    def __call__(self, advance: Advance) -> SequenceResult:
        """Do it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How sequences are gone through.

    Attributes:
        results: folder of finished sequences' results; None keeps none, so that nothing can be resumed.
        fingerprint: of everything that results depend on but the sequences' files, which are looked at as well;
            results under another one are done again.
        processes: sequences at a time.
        quiet: whether no progress is shown.
    """

    results: Path | None = None
    fingerprint: str = ""
    processes: int = 1
    quiet: bool = False


def run_jobs(jobs: Sequence[SequenceJob], schedule: Schedule) -> list[SequenceResult]:
    """Do all jobs that have no result yet, and return all results in the jobs' order."""
    done: dict[str, SequenceResult] = {}
    if schedule.results is not None:
        stored = {job.name: load_result(_file(schedule.results, job.name), _conditions(job, schedule)) for job in jobs}
        done = {name: result for name, result in stored.items() if result is not None}
    waiting = [job for job in jobs if job.name not in done]
    with _progress(schedule, sum(job.length for job in jobs), jobs, done) as show:
        finished = _in_processes(waiting, schedule, show) if schedule.processes > 1 else _here(waiting, schedule, show)
        for result, name in finished:
            done[name] = result
    return [done[job.name] for job in jobs]


def _here(
    jobs: Sequence[SequenceJob], schedule: Schedule, show: Callable[[str, int], None]
) -> Iterator[tuple[SequenceResult, str]]:
    _prepare_process()
    for job in jobs:
        yield _do(job, schedule, partial(show, job.name)), job.name


def _in_processes(
    jobs: Sequence[SequenceJob], schedule: Schedule, show: Callable[[str, int], None]
) -> Iterator[tuple[SequenceResult, str]]:
    spawn = multiprocessing.get_context("spawn")
    steps: Steps = spawn.Queue()
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(schedule.processes, spawn, _prepare_child, (steps,))
    try:
        running = {pool.submit(_do_in_child, job, schedule): job for job in jobs}
        while running:
            ended, _ = wait(running, _REFRESH, FIRST_COMPLETED)
            with suppress(Empty):
                while True:
                    show(*steps.get_nowait())
            for future in ended:
                yield future.result(), running.pop(future).name
    except BaseException:  # one failed, or somebody asked for the end: nobody waits for the others
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _do(job: SequenceJob, schedule: Schedule, advance: Advance) -> SequenceResult:
    result = job(advance)
    if schedule.results is not None:
        save_result(result, _file(schedule.results, job.name), _conditions(job, schedule))
    return result


def _prepare_child(steps: Steps) -> None:
    """Prepare a process of its own for sequences, which tells of its steps through a queue.

    Ctrl-C ends it without a word, and so does its parent's end.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    _prepare_process()
    steps.cancel_join_thread()  # nobody reads the last steps: they must not keep the process from ending
    _child["steps"] = steps


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do_in_child(job: SequenceJob, schedule: Schedule) -> SequenceResult:
    steps = _child["steps"]
    return _do(job, schedule, lambda frames: steps.put((job.name, frames)))


def _prepare_process() -> None:
    """Keep each process to one core, on which the method and its rounds of retraining run as fast as they can."""
    keep_memory()
    flush_denormals()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _conditions(job: SequenceJob, schedule: Schedule) -> str:
    return f"{schedule.fingerprint} {job.inputs}"


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name.replace('/', '--')}.npz"


@contextmanager
def _progress(
    schedule: Schedule, frames: int, jobs: Sequence[SequenceJob], done: dict[str, SequenceResult]
) -> Iterator[Callable[[str, int], None]]:
    """Show a bar over all frames on stderr; yield what advances it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=schedule.quiet, transient=True) as progress:
        task = progress.add_task("frames", total=frames)
        progress.advance(task, sum(job.length for job in jobs if job.name in done))

        def show(name: str, step: int) -> None:
            progress.update(task, advance=step, description=name)

        yield show
