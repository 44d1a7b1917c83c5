import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from configs.method import MethodSettings
from models.engine import ServedNetwork
from models.errors import CheckpointError, UnknownModelError
from models.saliency_model import SaliencyModel
from pipeline import networks as networks_module
from pipeline.networks import Networks, choose_device
from tests.fakes.frames import SIZE, picture
from tests.fakes.served import BrightIsSalient


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def test_the_shipped_networks_find_what_stands_out(executor: ThreadPoolExecutor) -> None:
    networks = Networks(MethodSettings(), executor)
    await networks.load()
    colour, motion = await networks.colour(SIZE), await networks.motion(SIZE)
    assert motion is not None
    assert colour.size == motion.size == SIZE
    image = picture(10)
    saliency = await asyncio.to_thread(lambda: colour.head(colour.encode(image)))
    disc = image[..., 0] > 200
    assert saliency[disc].mean() > 2 * saliency[~disc].mean()


async def test_a_size_is_served_once_for_all_cameras(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[tuple[int, int]] = []

    def serve(_: SaliencyModel, size: tuple[int, int], device: str) -> ServedNetwork:
        assert device == "cpu"
        built.append(size)
        return BrightIsSalient(size)

    monkeypatch.setattr(networks_module, "serve", serve)
    networks = Networks(MethodSettings(device="cpu"), executor)
    await networks.load()
    first, second, other = await asyncio.gather(networks.colour(SIZE), networks.colour(SIZE), networks.colour((96, 96)))
    assert first is second
    assert first is not other
    assert built == [SIZE, (96, 96)]


async def test_what_was_prepared_is_there_when_a_camera_asks(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[tuple[int, int]] = []

    def serve(_: SaliencyModel, size: tuple[int, int], device: str) -> ServedNetwork:
        del device
        built.append(size)
        return BrightIsSalient(size)

    monkeypatch.setattr(networks_module, "serve", serve)
    networks = Networks(MethodSettings(), executor)
    await networks.load()
    await networks.prepare(SIZE)
    assert built == [SIZE, SIZE], "colour and motion"
    await networks.colour(SIZE)
    await networks.motion(SIZE)
    assert built == [SIZE, SIZE]


async def test_the_contrast_needs_no_motion_network(executor: ThreadPoolExecutor) -> None:
    networks = Networks(MethodSettings(motion="contrast"), executor)
    await networks.load()
    assert await networks.motion(SIZE) is None


async def test_each_camera_gets_its_own_flow_estimator(executor: ThreadPoolExecutor) -> None:
    networks = Networks(MethodSettings(), executor)
    assert networks.flow() is not networks.flow()
    assert networks.flow()(picture(0), picture(1)).shape == (*SIZE, 2)


@pytest.mark.parametrize("name", ["colour", "motion"])
async def test_an_unknown_network_is_named_before_frames_come(executor: ThreadPoolExecutor, name: str) -> None:
    settings: dict[str, Any] = {name: "nonesuch"}
    with pytest.raises(UnknownModelError, match=r"'nonesuch'; there are: .*livesal-colour"):
        await Networks(MethodSettings(**settings), executor).load()


async def test_an_unknown_flow_method_is_named(executor: ThreadPoolExecutor) -> None:
    with pytest.raises(UnknownModelError, match=r"'nonesuch'; there are: .*dis"):
        Networks(MethodSettings(flow="nonesuch"), executor).flow()


async def test_missing_weights_are_named_with_where_to_get_them(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIVESAL_WEIGHTS", str(tmp_path))
    with pytest.raises(CheckpointError, match=r"u2netp.* is missing: get .*http"):
        await Networks(MethodSettings(colour="u2netp"), executor).load()


@pytest.mark.parametrize(
    ("wanted", "gpu", "chosen"), [("cpu", True, "cpu"), ("auto", True, "cuda"), ("auto", False, "cpu")]
)
def test_auto_takes_a_gpu_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, *, wanted: str, gpu: bool, chosen: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    assert choose_device(wanted) == chosen


async def test_an_unknown_flow_method_is_named_before_networks_are_loaded(executor: ThreadPoolExecutor) -> None:
    with pytest.raises(UnknownModelError, match="no flow method is named 'nonesuch'"):
        await Networks(MethodSettings(colour="nothing", flow="nonesuch"), executor).load()
