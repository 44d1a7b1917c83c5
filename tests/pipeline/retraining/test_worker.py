import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import psutil
import pytest

from pipeline.errors import RoundError
from pipeline.retraining.job import write_job
from pipeline.retraining.worker import RetrainingWorker
from tests.fakes.jobs import small_job

SLEEPER = (
    sys.executable,
    "-c",
    'import sys; [print(\'{"iteration": 1, "iterations": 9, "loss": 1.0}\', flush=True) for _ in sys.stdin]',
)
GARBLED = (sys.executable, "-c", 'import sys; sys.stdin.readline(); print(\'{"error": "JobError: no"}\', flush=True)')
CHATTY = (
    sys.executable,
    "-c",
    (
        "import sys, json; sys.stdin.readline(); print('a library speaks', 3); print(json.dumps({'report': {"
        "'keyframes': 4, 'held_out': 1, 'iterations': 8, 'seconds': 1.0, 'error_before': 0.5, 'error_after': 0.4}}))"
    ),
)


@pytest.mark.timeout(180)  # the child gets only what other processes leave of the machine
async def test_a_real_child_does_a_job_at_lowest_priority_and_leaves(tmp_path: Path) -> None:
    await asyncio.to_thread(write_job, small_job(), tmp_path)
    steps = []
    async with RetrainingWorker() as worker:
        report = await worker.run(tmp_path, 150, steps.append)
        child = psutil.Process(worker.pid)
        assert os.sched_getscheduler(child.pid) in (os.SCHED_IDLE, os.SCHED_OTHER)
        assert os.sched_getscheduler(child.pid) == os.SCHED_IDLE or child.nice() == 19
    assert await asyncio.to_thread((tmp_path / "twin.safetensors").exists)
    assert report.iterations == steps[-1].iterations
    assert not child.is_running()


async def test_the_child_keeps_to_the_last_core_that_it_may_use() -> None:
    words = "import os; import pipeline.retraining.child as own; own.stay_on_one_core(); print(os.sched_getaffinity(0))"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", words, stdout=PIPE)
    output, _ = await child.communicate()
    assert output.decode().strip() == str({max(os.sched_getaffinity(0))})


async def test_a_killed_child_fails_its_round_and_the_next_gets_a_new_one(tmp_path: Path) -> None:
    async with RetrainingWorker(SLEEPER) as worker:
        await worker.start()
        first = worker.pid
        assert first is not None

        def kill(_: object) -> None:
            os.kill(first, signal.SIGKILL)

        with pytest.raises(RoundError, match="died"):
            await worker.run(tmp_path, 30, kill)
        assert worker.pid is None
        with pytest.raises(RoundError, match=r"longer than 0\.2 s"):
            await worker.run(tmp_path, 0.2)


async def test_what_the_child_reports_as_an_error_fails_the_round(tmp_path: Path) -> None:
    async with RetrainingWorker(GARBLED) as worker:
        with pytest.raises(RoundError, match="JobError: no"):
            await worker.run(tmp_path, 30)


async def test_a_line_that_is_no_message_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with RetrainingWorker(CHATTY) as worker:
        report = await worker.run(tmp_path, 30)
    assert report.iterations == 8
    assert "a library speaks 3" in caplog.text
