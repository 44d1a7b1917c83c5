"""The batched frame path on the CPU, against the path of one camera."""

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.method import MethodSettings
from models.engine import serve
from models.flow.raft import SMALL, Raft
from models.loading import load_model
from models.registry import flow_entry
from models.saliency_model import SaliencyModel
from models.slot import Slot
from models.stacked import STACKINGS
from models.torch_batch import TorchBatch
from pipeline.batched.flows import BATCH_FLOWS, RAFT_ITERATIONS, LucasKanadeBatch, RaftBatch, make_batch_flow
from pipeline.batched.fusion import decided
from pipeline.batched.path import MAPS, BatchPath
from pipeline.errors import BatchError
from pipeline.frame_path import FramePath, Sizes
from tests.fakes.golden import shared_folder
from tests.fakes.textures import texture

SIZES = Sizes(frame=(128, 192), working=(64, 96), flow=(96, 144))
CPU = torch.device("cpu")
# RANSAC and the batch's fit agree only nearly; the median is the same in both
SETTINGS = MethodSettings(camera_motion="median")
CAMERAS = 2


@pytest.fixture(scope="module")
def models() -> tuple[SaliencyModel, SaliencyModel]:
    return load_model("livesal-colour"), load_model("livesal-motion")


def videos(count: int) -> NDArray[np.uint8]:
    """Return (count, CAMERAS, H, W, 3): a textured square that moves over another texture, differently each."""
    rng = np.random.default_rng(2)
    height, width = SIZES.flow
    frames = np.empty((count, CAMERAS, height, width, 3), np.uint8)
    for camera in range(CAMERAS):
        ground, thing = (cv2.GaussianBlur(texture(size, rng), (0, 0), 1) for size in (SIZES.flow, (40, 40)))
        for index in range(count):
            left, top = 30 + (3 - 5 * camera) * index, 20 + 2 * index
            frames[index, camera] = ground
            frames[index, camera, top : top + 40, left : left + 40] = thing
    return frames


def decoder(model: SaliencyModel, seed: int) -> Mapping[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: value + 0.02 * torch.randn(value.shape, generator=generator)
        for name, value in model.network.state_dict().items()
        if name.startswith("decoder.")
    }


def batch_path(models: tuple[SaliencyModel, SaliencyModel], settings: MethodSettings = SETTINGS) -> BatchPath:
    flow = LucasKanadeBatch(CAMERAS, SIZES.flow, CPU)
    return BatchPath(TorchBatch(models[0], CAMERAS, "cpu"), models[1], flow, CAMERAS, SIZES, settings)


def alone(models: tuple[SaliencyModel, SaliencyModel], twin: Mapping[str, Tensor] | None) -> FramePath:
    colour, motion = (serve(model, SIZES.working, "cpu:0") for model in models)
    slot = Slot()
    if twin is not None:
        slot.swap(colour.twin_head(twin))
    return FramePath.of(SIZES, colour, slot, motion, flow_entry("lucas-kanade").build(), SETTINGS)


def test_a_batch_finds_what_each_camera_finds_alone(models: tuple[SaliencyModel, SaliencyModel]) -> None:
    batch, twin = batch_path(models), decoder(models[0], 1)
    batch.swap(1, twin)
    paths = [alone(models, None), alone(models, twin)]
    for frames in videos(4):
        found = batch(frames)
        assert found.maps.shape == (CAMERAS, len(MAPS), *SIZES.working)
        for camera, path in enumerate(paths):
            expected = path(frames[camera])[1]
            maps = dict(zip(MAPS, found.maps[camera].numpy(), strict=True))
            for name in ("motion", "colour", "low_level", "final"):
                difference = np.abs(maps[name] - getattr(expected, name))
                assert difference.mean() < 0.005, name
                assert difference.max() < 0.1, name
            assert float(found.nr[camera]) == pytest.approx(expected.nr, abs=0.01)
    assert found.maps[0, 0].max() > 0.05


def test_a_new_scene_has_no_motion_and_no_past(models: tuple[SaliencyModel, SaliencyModel]) -> None:
    batch, (first, second, *_) = batch_path(models), videos(2)
    start = batch(first)
    assert start.nr.tolist() == [1, 1]
    found = batch(second, np.array([True, False]))
    motion, colour, twin, low_level, final = found.maps[0]
    assert not motion.any()
    torch.testing.assert_close(low_level, colour)
    torch.testing.assert_close(final, decided((twin + colour) / 2))
    assert found.nr[0] == 1
    assert found.maps[1, 0].any()
    batch.forget()
    assert not batch(first).maps[:, 0].any()


def test_captured_on_a_cpu_is_the_same(models: tuple[SaliencyModel, SaliencyModel]) -> None:
    plain, captured = batch_path(models, MethodSettings()), batch_path(models, MethodSettings())
    captured.capture()
    for frames in videos(2):
        torch.testing.assert_close(captured(frames).maps, plain(frames).maps)


@pytest.mark.parametrize("stacking", STACKINGS)
def test_every_way_of_stacking_gives_the_same_twins(stacking: str, models: tuple[SaliencyModel, SaliencyModel]) -> None:
    batch = TorchBatch(models[0], CAMERAS, "cpu", stacking)  # type: ignore[arg-type] # one of the three
    batch.swap(1, decoder(models[0], 1))
    images = np.random.default_rng(0).integers(0, 256, (CAMERAS, *SIZES.working, 3), np.uint8)
    network = serve(models[0], SIZES.working, "cpu:0")
    _, twins = batch(images)
    heads = (network.head, network.twin_head(decoder(models[0], 1)))
    for image, head, twin in zip(images, heads, twins, strict=True):
        np.testing.assert_allclose(twin, head(network.encode(image)), atol=1e-4)


def test_rafts_cached_features_give_the_flow_of_both_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESAL_WEIGHTS", str(shared_folder() / "weights"))
    rng = np.random.default_rng(3)
    first, second = (
        torch.from_numpy(cv2.GaussianBlur(texture((128, 136), rng), (0, 0), 2))[None].float().permute(0, 3, 1, 2)
        for _ in range(2)
    )
    flow = make_batch_flow("raft-small", 1, (128, 136), CPU, torch.float32)
    assert isinstance(flow, RaftBatch)
    with torch.inference_mode():
        flow(first)
        torch.testing.assert_close(
            flow(second), flow._network.refine(second, first, RAFT_ITERATIONS)[1], atol=1e-3, rtol=1e-3
        )


def test_a_flow_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(BatchError, match=f"'dis'.*{', '.join(BATCH_FLOWS)}"):
        make_batch_flow("dis", 1, SIZES.flow, CPU, torch.float32)


def test_raft_refuses_sizes_that_it_would_have_to_pad() -> None:
    with pytest.raises(BatchError, match="multiples of 8"):
        RaftBatch(Raft(SMALL), 1, (130, 192), CPU, torch.float32)


def test_coded_flow_is_refused(models: tuple[SaliencyModel, SaliencyModel]) -> None:
    with pytest.raises(BatchError, match="coded-flow"):
        batch_path(models, MethodSettings(motion_coding="coded-flow"))
