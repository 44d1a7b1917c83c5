"""What every registered flow method has in common, on generated motion."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from models.checkpoint import load_into, read_state, save_state
from models.errors import CheckpointError
from models.flow import liteflownet, pwc, raft, spynet
from models.flow_network import FlowForm, NetworkFlow, load_network, one_thread, restore
from models.registry import Checkpoint, FlowEstimator, flow_entry, flow_names
from models.training.motion_scenes import MotionScene, generate_scene
from models.training.samples import ImageMaskPairs, find_pairs
from tests.fakes.golden import load_recipe, shared_folder
from tests.fakes.textures import texture

NETWORKS: dict[str, tuple[Callable[[], nn.Module], FlowForm, str, float]] = {
    "liteflownet": (liteflownet.LiteFlowNet, liteflownet.FORM, "liteflownet", 1.6),
    "pwc": (pwc.PwcNet, pwc.FORM, "pwc", 0.9),
    "raft": (lambda: raft.Raft(raft.LARGE, iterations=2), raft.FORM, "raft", 0.7),
    "raft-small": (lambda: raft.Raft(raft.SMALL), raft.FORM, "raft_small", 0.7),
    "spynet": (spynet.SPyNet, spynet.FORM, "spynet", 0.8),
}
"""Networks whose weights do not ship: how to make them, and the reference weights' manifest and gain."""

TRAINED = [name for name in flow_names() if name not in NETWORKS] + ["raft-small"]
"""Methods that need no weights, or whose real weights the shared material holds."""


def _method(name: str, monkeypatch: pytest.MonkeyPatch) -> FlowEstimator:
    """Build a method with its real weights if they are here, else with the reference's made ones."""
    if name in TRAINED:
        monkeypatch.setenv("LIVESAL_WEIGHTS", str(shared_folder() / "weights"))
        return flow_entry(name).build()
    make, form, manifest, gain = NETWORKS[name]
    network = make()
    load_recipe(network, manifest, gain)
    return NetworkFlow(network, form)


def _shifted(x: int, y: int, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return two (h, w, 3) windows of one texture; everything moves by (x, y) pixels from the first to the second."""
    height, width = size
    canvas = cv2.GaussianBlur(texture((height + 20, width + 20), np.random.default_rng(1)), (0, 0), 1.0)
    first = canvas[10 : 10 + height, 10 : 10 + width]
    second = canvas[10 - y : 10 - y + height, 10 - x : 10 - x + width]
    return np.ascontiguousarray(first, np.uint8), np.ascontiguousarray(second, np.uint8)


def _scenes(count: int) -> list[MotionScene]:
    """Return made motion of real pictures: on pure noise texture DIS is the better one where motion is small."""
    rng = np.random.default_rng(3)
    data = shared_folder() / "data" / "duts-tr-499"
    pairs = ImageMaskPairs(find_pairs(data / "images", data / "masks")[:24])
    samples = [pairs.draw(index, rng) for index in range(len(pairs))]
    return [generate_scene(samples, [sample.image for sample in samples], (160, 288), rng) for _ in range(count)]


def _end_point_error(method: FlowEstimator, scenes: list[MotionScene]) -> float:
    """Return the mean distance in pixels between estimated and exact flow."""
    errors = [np.linalg.norm(method(scene.second, scene.first) - scene.flow, axis=2).mean() for scene in scenes]
    return float(np.mean(errors))


def test_every_network_is_either_here_or_made() -> None:
    with_weights = {name for name in flow_names() if flow_entry(name).checkpoint is not None}
    assert with_weights == set(NETWORKS)


@pytest.mark.parametrize("name", flow_names())
def test_a_method_gives_finite_float32_flow_of_the_frames_size(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = _shifted(2, 1, (70, 101))
    flow = _method(name, monkeypatch)(first, second)
    assert flow.shape == (70, 101, 2)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()


@pytest.mark.parametrize("name", TRAINED)
def test_a_picture_that_moves_right_and_down_has_positive_flow(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = _shifted(3, 1, (128, 192))
    flow = _method(name, monkeypatch)(first, second)
    assert np.median(flow[..., 0]) == pytest.approx(3, abs=0.35)
    assert np.median(flow[..., 1]) == pytest.approx(1, abs=0.35)


def test_raft_small_has_a_lower_end_point_error_than_dis_on_the_same_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = _scenes(6)
    network, dis = (_end_point_error(_method(name, monkeypatch), scenes) for name in ("raft-small", "dis"))
    assert network < dis


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_missing_weights_are_named_with_where_to_get_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVESAL_WEIGHTS", str(tmp_path))
    with pytest.raises(CheckpointError, match=r"is missing: get it from http"):
        flow_entry(name).build()


def test_keys_of_older_files_are_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESAL_WEIGHTS", str(tmp_path))
    network = spynet.SPyNet()
    load_recipe(network, "spynet", 0.8)
    older = {key.replace("net", "module"): value for key, value in network.state_dict().items()}
    save_state(older, tmp_path / "old.safetensors")
    checkpoint = Checkpoint(file="old.safetensors", licence="none")
    loaded = load_network(spynet.SPyNet(), spynet.FORM, checkpoint).network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in network.state_dict().items())


def test_another_networks_weights_are_refused() -> None:
    state = read_state(shared_folder() / "weights" / "raft-small.pth")
    with pytest.raises(CheckpointError, match="not the weights of this network"):
        load_into(raft.Raft(raft.LARGE), state, "raft-small.pth")


def test_resizing_scales_the_flow_back_as_computed_by_hand() -> None:
    # 64 x 128 pixels entered as 128 x 192: half the height, two thirds of the width.
    flow = torch.tensor([6.0, 4.0]).view(1, 2, 1, 1).expand(1, 2, 32, 48)
    back = restore(flow, (128, 192), (64, 128), "resize")
    assert back.shape == (1, 2, 64, 128)
    torch.testing.assert_close(back[0, :, 5, 7], torch.tensor([4.0, 2.0]))


def test_padding_is_cut_off_where_it_was_put() -> None:
    # 5 x 6 pixels became 8 x 8: one row above, two below, one column each side.
    flow = torch.arange(64.0).view(1, 1, 8, 8).expand(1, 2, 8, 8)
    back = restore(flow, (8, 8), (5, 6), "pad")
    assert back.shape == (1, 2, 5, 6)
    assert back[0, 0, 0, 0] == 9
    assert back[0, 0, 4, 5] == 46


def test_a_network_sees_its_own_channel_order_and_range() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., 0] = 255  # red
    seen = NetworkFlow(nn.Conv2d(3, 2, 1), FlowForm(multiple=8, minimum=8, fit="pad", order="BGR", scale=2.0))
    x = seen.prepare(image)
    assert x.shape == (1, 3, 64, 64)
    torch.testing.assert_close(x[0, :, 0, 0], torch.tensor([0.0, 0.0, 2.0]))


def test_estimating_leaves_torchs_threads_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    method = _method("spynet", monkeypatch)
    with one_thread():  # puts back what the test sets
        torch.set_num_threads(2)
        method(*_shifted(1, 0, (64, 64)))
        assert torch.get_num_threads() == 2
