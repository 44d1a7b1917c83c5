"""What is kept of a twin, and a service that goes on with it."""

import asyncio
import logging
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from configs.guards import LibrarySettings
from configs.method import AdaptationSettings, MethodSettings, WindowSettings
from models.checkpoint import save_state
from models.loading import load_model
from pipeline.analysed_frame import AnalysedFrame
from pipeline.analysis import Analysis
from pipeline.frame_threads import FrameThreads
from pipeline.fusion import decided, final_map
from pipeline.library import TwinLibrary
from pipeline.memory import TwinMemory
from pipeline.networks import Networks
from tests.fakes.adaptation import twin
from tests.fakes.frames import SIZE, frame, picture
from tests.fakes.retraining import FakeWorker
from tests.fakes.served import FakeNetworks

ROOT = Path(__file__).parents[2]
METHOD = MethodSettings(
    size=SIZE, flow_scale=1.0, keyframe_threshold=1.0, camera_motion="none", motion_coding="coded-flow"
)


def memory_of(folder: Path, model: str = "livesal-colour") -> TwinMemory:
    return TwinMemory(folder, "door", model)


def test_a_twin_comes_back_as_it_was_kept_with_its_windows_index(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    assert memory.recall(SIZE) is None
    memory.keep(twin(), [])
    again = memory_of(tmp_path).recall(SIZE)
    assert again is not None
    assert torch.equal(again.state["power"], twin().state["power"])
    assert again.state.keys() == {"power"}
    assert (again.index, again.size) == (twin().index, SIZE)
    np.testing.assert_array_equal(again.looks[0].histogram, twin().looks[0].histogram)
    memory.keep(None, [])
    memory.keep(None, [])
    assert memory.recall(SIZE) is None


def test_the_library_on_disk_follows_the_library_in_memory(tmp_path: Path) -> None:
    library = TwinLibrary(LibrarySettings(capacity=2))
    memory = memory_of(tmp_path)
    for colour in ((200, 40, 40), (30, 30, 180), (20, 190, 20)):
        library.remember(twin(colour, power=colour[0]))
        memory.keep(None, library)
    found = memory_of(tmp_path).recall_library()
    assert [float(one.state["power"]) for one in found] == [30, 20]
    again = TwinLibrary(LibrarySettings(capacity=2))
    again.fill(found)
    again.remember(twin((240, 240, 10)))
    assert [one.name for one in again] == ["000003", "000004"], "names go on counting"


@pytest.mark.parametrize(("model", "size"), [("csnet_x2", SIZE), ("livesal-colour", (32, 32))], ids=["network", "size"])
def test_a_twin_of_another_network_or_size_is_left_alone(
    tmp_path: Path, model: str, size: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    memory_of(tmp_path).keep(twin(), [])
    assert memory_of(tmp_path, model).recall(size) is None
    assert "is of livesal-colour at 64x96" in caplog.text
    assert memory_of(tmp_path).recall(SIZE) is not None


@pytest.mark.parametrize(
    "metadata", [{"size": "64"}, {"size": "64x96", "window": "["}, {"size": "64x96", "window": "7"}]
)
def test_metadata_that_make_no_sense_are_said(
    tmp_path: Path, metadata: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    memory = memory_of(tmp_path)
    save_state(twin().state, memory.path, {"model": "livesal-colour", **metadata})
    assert memory.recall(SIZE) is None
    assert "cannot be read; the original serves" in caplog.text


def test_a_damaged_file_and_a_full_disk_are_said_and_nothing_breaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = memory_of(tmp_path)
    memory.keep(twin(), [])
    whole = memory.path.read_bytes()

    def full(*_: object) -> None:
        message = "No space left on device"
        raise OSError(28, message)

    with monkeypatch.context() as patched:
        patched.setattr("models.checkpoint.save_file", full)
        memory.keep(twin(power=3.0), [])
    assert "cannot be kept" in caplog.text
    assert memory.path.read_bytes() == whole, "a write that fails leaves the old twin"
    memory.path.write_bytes(whole[:-2])
    assert memory.recall(SIZE) is None
    assert "cannot be read" in caplog.text


CRASH = """
import os, signal, sys
from pathlib import Path
import safetensors.torch
import torch

def half(tensors, path, metadata=None):
    Path(path).write_bytes(safetensors.torch.save(tensors, metadata)[:-30])
    os.kill(os.getpid(), signal.SIGKILL)

import models.checkpoint
models.checkpoint.save_file = half
models.checkpoint.save_state({"power": torch.tensor(3.0)}, Path(sys.argv[1]))
"""


def test_a_process_killed_in_the_middle_of_a_write_leaves_the_old_twin(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    memory.keep(twin(power=2.0), [])
    killed = subprocess.run([sys.executable, "-c", CRASH, str(memory.path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(memory.path.parent.iterdir())) > 1, "the write had begun"
    again = memory_of(tmp_path).recall(SIZE)
    assert again is not None
    assert float(again.state["power"]) == 2.0
    memory.keep(twin(power=4.0), [])
    again = memory.recall(SIZE)
    assert again is not None
    assert float(again.state["power"]) == 4.0, "what the crash left behind is in nobody's way"


async def run_camera(
    memory: Path,
    numbers: range,
    grounds: Sequence[tuple[int, int, int] | None] = (),
    networks: Networks | FakeNetworks | None = None,
    worker: FakeWorker | None = None,
    first: int = 2,
) -> list[AnalysedFrame]:
    """Run a camera from a fresh start; `grounds` are the colours of its first frames' backgrounds."""
    settings = AdaptationSettings(
        window=WindowSettings(spacing=0), first_keyframes=first, new_keyframes=1000, cool_down=1000, memory=memory
    )
    networks, worker = networks or FakeNetworks(METHOD), worker or FakeWorker()
    with FrameThreads(2) as threads:
        async with (
            asyncio.TaskGroup() as tasks,
            Analysis("door", networks, settings, worker, tasks, threads.seat("door"), wait_for_rounds=True) as analysis,
        ):
            return [await analysis.analyse(frame(number, shown(number, grounds))) for number in numbers]


def shown(number: int, grounds: Sequence[tuple[int, int, int] | None]) -> np.ndarray:
    ground = grounds[number] if number < len(grounds) else None
    return picture(number) if ground is None else picture(number, ground=ground)


async def test_a_restarted_camera_serves_the_twin_of_the_run_before(tmp_path: Path) -> None:
    before = await run_camera(tmp_path, range(6))
    assert before[-1].saliency.model_version == 1
    after = await run_camera(tmp_path, range(1))
    assert [event.kind for event in after[0].events] == ["resumed"]
    assert after[0].saliency.model_version == 1
    twin_of = (picture(0).mean(2) / 255) ** 2
    np.testing.assert_allclose(after[0].saliency.final, decided(twin_of), rtol=1e-5)


async def test_what_was_reset_is_not_resumed(tmp_path: Path) -> None:
    await run_camera(tmp_path, range(6))
    cut = await run_camera(tmp_path, range(2), grounds=(None, (200, 180, 40)))
    assert [one.saliency.model_version for one in cut] == [1, 1], (
        "the frame of the cut was computed before it was known"
    )
    after = await run_camera(tmp_path, range(1))
    assert after[0].saliency.model_version == 0


async def test_the_twin_of_a_scene_that_returns_is_recalled_from_disk(tmp_path: Path) -> None:
    away = (None,) * 6 + ((200, 180, 40),)
    await run_camera(tmp_path, range(7), grounds=away)
    assert (tmp_path / "door" / "library" / "000001.safetensors").exists()
    assert not (tmp_path / "door" / "twin.safetensors").exists()
    after = await run_camera(tmp_path, range(6), first=1000)
    assert [event.kind for one in after for event in one.events if event.kind != "keyframe"] == ["recalled"]
    assert after[-1].saliency.model_version == 1
    assert (tmp_path / "door" / "twin.safetensors").exists()


class DecoderWorker(FakeWorker):
    """A retraining child that leaves a decoder of livesal-colour, a little changed."""

    def result(self) -> Mapping[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(1)
        state = load_model("livesal-colour").network.state_dict()
        return {
            name: value + 0.01 * torch.randn(value.shape, generator=generator)
            for name, value in state.items()
            if name.startswith("decoder.")
        }


async def test_a_resumed_service_serves_the_resumed_twins_maps_bit_for_bit(tmp_path: Path) -> None:
    method = MethodSettings(size=SIZE, motion="contrast", keyframe_threshold=1.0)
    with ThreadPoolExecutor(1) as build:
        networks = Networks(method, build)
        await networks.load()
        worker = DecoderWorker()
        before = await run_camera(tmp_path, range(5), networks=networks, worker=worker)
        (after,) = await run_camera(tmp_path, range(1), networks=networks, worker=worker)
        colour = await networks.colour(SIZE)
        swapped_in = await asyncio.to_thread(lambda: colour.twin_head(worker.result()))
    assert (before[-1].saliency.model_version, after.saliency.model_version) == (1, 1)
    features = colour.encode(after.small)
    twins_map, originals_map = swapped_in(features), colour.head(features)
    np.testing.assert_array_equal(after.saliency.final, decided(final_map(None, originals_map, twins_map, 1.0)))
    assert (twins_map != originals_map).any()


@pytest.fixture(autouse=True)
def _listen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "livesal.adaptation")
