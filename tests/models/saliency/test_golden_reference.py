"""RAS, DSS, ResDSS and RADF against the reference outputs, under the weight recipe."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from models.registry import saliency_entry
from models.saliency_model import SaliencyModel
from tests.fakes.golden import TOLERANCE, load_recipe, manifest_of, read_golden, read_manifest, relative_error


@dataclass(frozen=True)
class Golden:
    """A reference.

    Attributes:
        file: of manifest and golden.
        image: name of the input array.
        maps: array of the golden by index into the network's outputs.
        gain: of the recipe.
        prediction: array of the map that the network's authors evaluate, where it is there.
    """

    file: str
    image: str
    maps: Mapping[int, str]
    gain: float = 1.0
    prediction: str = ""


GOLDENS = {
    "ras-v1": Golden("ras_v1", "x_a", {i: f"score{i + 1}_a" for i in range(5)}),
    "ras-v2": Golden("ras_v2", "x_a", {i: f"score{i + 2}_a" for i in range(4)}),
    "ras-eccv18": Golden("ras_eccv18_caffe", "x", {0: "sigmoid-score1", 2: "sigmoid-score3", 5: "sigmoid-score6"}),
    "dss": Golden("dss", "x_a", {0: "prob6_a"} | {i + 1: f"prob{i}_a" for i in range(6)}, 2**0.5, "pred_a"),
    "dss-caffe": Golden("dss_caffe", "x", {0: "sigmoid-fuse", 1: "sigmoid-dsn1", 3: "sigmoid-dsn3", 6: "sigmoid-dsn6"}),
    "resdss": Golden("resdss_caffe", "x", {0: "sigmoid-fuse", 2: "sigmoid-dsn3", 5: "sigmoid-dsn6"}),
    "radf": Golden(
        "radf_caffe",
        "x",
        {0: "sigmoid-fuse", 1: "sigmoid-dsn1", 3: "sigmoid-dsn3", 6: "sigmoid-dsn6", 9: "sigmoid-dsn3a"},
        prediction="pred",
    ),
}


def fixed(network: nn.Module) -> set[str]:
    """Return the keys that the recipe leaves alone: Caffe's bilinear kernels, which are not trained."""
    return {
        f"{name}.{parameter}"
        for name, module in network.named_modules()
        if isinstance(module, nn.ConvTranspose2d) and not module.weight.requires_grad
        for parameter, _ in module.named_parameters()
    }


@pytest.mark.parametrize("name", GOLDENS)
def test_reference_is_reproduced(name: str) -> None:
    torch.set_num_threads(1)
    golden, entry = GOLDENS[name], saliency_entry(name)
    arrays = read_golden(golden.file)
    network = entry.build()
    assert list(manifest_of(network).items()) == list(read_manifest(golden.file).items())
    load_recipe(network, golden.file, golden.gain, fixed(network))
    image = torch.from_numpy(arrays[golden.image])
    with torch.inference_mode():
        maps = network(image)
        for index, array in golden.maps.items():
            actual = maps[index] if array.startswith("score") else torch.sigmoid(maps[index])
            assert relative_error(actual, arrays[array]) <= TOLERANCE, array
        if golden.prediction:
            reduced = SaliencyModel(entry, network).reduce(entry.select(maps), (image.shape[-2], image.shape[-1]))
            assert relative_error(reduced, arrays[golden.prediction]) <= TOLERANCE


CAFFE_NETWORKS = ("ras-eccv18", "dss-caffe", "resdss", "radf")


@pytest.mark.parametrize("name", CAFFE_NETWORKS)
@pytest.mark.parametrize("size", [(32, 47), (64, 96), (101, 150), (160, 288), (300, 300), (473, 721)])
def test_maps_have_the_size_of_any_image(name: str, size: tuple[int, int]) -> None:
    entry = saliency_entry(name)
    with torch.device("meta"):
        maps = entry.select(entry.build()(torch.empty(1, 3, *size)))
    assert {tuple(side.shape) for side in maps} == {(1, 1, *size)}


@pytest.mark.parametrize("name", CAFFE_NETWORKS)
def test_bilinear_kernels_are_the_only_parameters_that_stay(name: str) -> None:
    with torch.device("meta"):
        network = saliency_entry(name).build()
    still = {key for key, parameter in network.named_parameters() if not parameter.requires_grad}
    assert still == fixed(network)
