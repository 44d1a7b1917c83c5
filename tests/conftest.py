"""What every test has: the shared material, and a watch on tasks and blocking calls."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import cv2
import pytest
import pytest_asyncio
import torch
from blockbuster import BlockBuster, blockbuster_ctx

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Two cores run the tests: threads that fight for them only make them slower."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@pytest.fixture(autouse=True, scope="session")
def _graphs_of_this_run_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the tests, and the processes that they start, share exported graphs with each other and with nobody else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVESAL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _denormals_are_kept() -> Iterator[None]:
    """Undo what a training in this thread sets: hypothesis, for one, wants denormal numbers."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Fail a test whose code makes a blocking call on the event loop; integration tests run others' code as well."""
    if request.node.get_closest_marker("integration"):
        yield None
        return
    with blockbuster_ctx(["configs", "models", "pipeline", "stream"]) as blockbuster:
        yield blockbuster


@pytest_asyncio.fixture(autouse=True)
async def _no_task_is_left_behind() -> AsyncIterator[None]:
    """Fail a test that ends while a task of its own is still running."""
    before = asyncio.all_tasks()
    yield
    left = {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task() and not task.done()}
    names = sorted(task.get_name() for task in left)
    assert not left, f"these tasks outlived their test: {names}"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The read-only material beside the project."""
    folder = Path(os.environ.get("LIVESAL_SHARED", ROOT.parent / "shared"))
    assert folder.is_dir(), f"{folder} is missing: set LIVESAL_SHARED to where the shared material is"
    return folder
