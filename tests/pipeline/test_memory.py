"""What is kept of a twin, and a service that goes on with it."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from configs.method import AdaptationSettings, MethodSettings, WindowSettings
from models.engine import serve
from models.loading import load_model
from pipeline.analysis import AnalysedFrame, Analysis
from pipeline.frame_threads import FrameThreads
from pipeline.memory import TwinMemory
from tests.fakes.frames import SIZE, frame, keyframe, picture
from tests.fakes.retraining import FakeWorker
from tests.fakes.served import FakeNetworks

TWIN = {"power": torch.tensor(2.0)}
METHOD = MethodSettings(
    size=SIZE, flow_scale=1.0, keyframe_threshold=1.0, camera_motion="none", motion_coding="coded-flow"
)


def test_a_twin_comes_back_as_it_was_kept_with_its_windows_index(tmp_path: Path) -> None:
    memory = TwinMemory(tmp_path, "door", "livesal-colour")
    assert memory.recall(SIZE) is None
    memory.keep(TWIN, SIZE, [keyframe(1.0), keyframe(2.0)])
    again = TwinMemory(tmp_path, "door", "livesal-colour").recall(SIZE)
    assert again is not None
    assert torch.equal(again["power"], TWIN["power"])
    with safe_open(memory.path, "pt") as file:
        assert '"media_time": 2.0' in file.metadata()["window"]
    memory.forget()
    memory.forget()
    assert memory.recall(SIZE) is None


@pytest.mark.parametrize(("model", "size"), [("csnet_x2", SIZE), ("livesal-colour", (32, 32))], ids=["network", "size"])
def test_a_twin_of_another_network_or_size_is_left_alone(
    tmp_path: Path, model: str, size: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    TwinMemory(tmp_path, "door", "livesal-colour").keep(TWIN, SIZE, [])
    assert TwinMemory(tmp_path, "door", model).recall(size) is None
    assert "is of livesal-colour at 64x96" in caplog.text
    assert TwinMemory(tmp_path, "door", "livesal-colour").recall(SIZE) is not None


def test_a_damaged_file_and_a_full_disk_are_said_and_nothing_breaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = TwinMemory(tmp_path, "door", "livesal-colour")
    memory.keep(TWIN, SIZE, [])
    whole = memory.path.read_bytes()

    def full(*_: object) -> None:
        message = "No space left on device"
        raise OSError(28, message)

    with monkeypatch.context() as patched:
        patched.setattr("models.checkpoint.save_file", full)
        memory.keep({"power": torch.tensor(3.0)}, SIZE, [])
    assert "cannot be kept" in caplog.text
    assert memory.path.read_bytes() == whole, "a write that fails leaves the old twin"
    memory.path.write_bytes(whole[:-2])
    assert memory.recall(SIZE) is None
    assert "cannot be read" in caplog.text


async def run_camera(
    memory: Path, numbers: range, grounds: Sequence[tuple[int, int, int] | None] = ()
) -> list[AnalysedFrame]:
    """Run a camera from a fresh start; `grounds` are the colours of its first frames' backgrounds."""
    settings = AdaptationSettings(
        window=WindowSettings(spacing=0), first_keyframes=2, new_keyframes=1000, cool_down=1000, memory=memory
    )
    networks, worker = FakeNetworks(METHOD), FakeWorker()
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
    assert [event.kind for event in after[0].events] == ["resumed", "keyframe"]
    assert after[0].saliency.model_version == 1
    twin_of = (picture(0).mean(2) / 255) ** 2
    np.testing.assert_allclose(after[0].saliency.final, (twin_of + after[0].saliency.low_level) / 2, rtol=1e-5)


async def test_what_was_reset_is_not_resumed(tmp_path: Path) -> None:
    await run_camera(tmp_path, range(6))
    cut = await run_camera(tmp_path, range(2), grounds=(None, (200, 180, 40)))
    assert [one.saliency.model_version for one in cut] == [1, 1], (
        "the frame of the cut was computed before it was known"
    )
    after = await run_camera(tmp_path, range(1))
    assert after[0].saliency.model_version == 0


def test_a_twin_of_the_real_network_serves_the_same_maps_bit_for_bit(tmp_path: Path) -> None:
    model = load_model("livesal-colour")
    state = {
        name: value + 0.01 * torch.randn(value.shape, generator=torch.Generator().manual_seed(1))
        for name, value in model.network.state_dict().items()
        if name.startswith("decoder.")
    }
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    network = serve(model, SIZE)
    memory = TwinMemory(tmp_path, "door", "livesal-colour")
    memory.keep(state, SIZE, [])
    again = memory.recall(SIZE)
    assert again is not None
    features = network.encode(image)
    np.testing.assert_array_equal(network.twin_head(again)(features), network.twin_head(state)(features))


@pytest.fixture(autouse=True)
def _listen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "livesal.adaptation")
