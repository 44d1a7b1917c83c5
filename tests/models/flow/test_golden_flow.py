"""Each flow network, under the reference's weights, gives the reference's outputs."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from models.flow.liteflownet import LiteFlowNet
from models.flow.pwc import PwcNet
from models.flow.raft import LARGE, SMALL, Raft, RaftSize
from models.flow.spynet import SPyNet
from models.matching import backwarp, local_correlation
from tests.fakes.golden import TOLERANCE, load_recipe, manifest_of, read_golden, read_manifest, relative_error

MAKERS: dict[str, Callable[[], nn.Module]] = {
    "raft": lambda: Raft(LARGE),
    "raft_small": lambda: Raft(SMALL),
    "pwc": PwcNet,
    "spynet": SPyNet,
    "liteflownet": LiteFlowNet,
}


def _arrays(name: str, *keys: str) -> tuple[Tensor, ...]:
    arrays = read_golden(name)
    return tuple(torch.from_numpy(arrays[key]) for key in keys)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_network_has_the_public_checkpoints_keys(name: str) -> None:
    assert manifest_of(MAKERS[name]()) == read_manifest(name)


@pytest.mark.parametrize(("name", "size"), [("raft", LARGE), ("raft_small", SMALL)])
def test_raft_gives_the_reference_flow_after_one_and_four_iterations(name: str, size: RaftSize) -> None:
    network, expected = Raft(size), read_golden(name)
    load_recipe(network, name, gain=0.7)
    first, second = _arrays(name, "one", "two")
    with torch.inference_mode():
        after_one, _ = network.refine(first, second, 1)
        after_four, enlarged = network.refine(first, second, 4)
    assert relative_error(after_one, expected["lo_it1"]) <= TOLERANCE
    assert relative_error(after_four, expected["lo_it4"]) <= TOLERANCE
    assert relative_error(enlarged, expected["up_it4"]) <= TOLERANCE


def test_pwc_gives_the_reference_features_correlation_and_flow() -> None:
    network, expected = PwcNet(), read_golden("pwc")
    load_recipe(network, "pwc", gain=0.9)
    first, second, one, two = _arrays("pwc", "one_bgr", "two_bgr", "corr_in1", "corr_in2")
    with torch.inference_mode():
        assert relative_error(network.netExtractor(first)[-1], expected["feat6"]) <= TOLERANCE
        assert relative_error(local_correlation(one, two, 4), expected["corr"]) <= TOLERANCE
        assert relative_error(network(first, second), expected["flow"]) <= TOLERANCE


def test_spynet_gives_the_reference_flow() -> None:
    # The reference's two other arrays need the real weights, which the shared material does not hold.
    network, expected = SPyNet(), read_golden("spynet")
    load_recipe(network, "spynet", gain=0.8)
    with torch.inference_mode():
        assert relative_error(network(*_arrays("spynet", "one_bgr", "two_bgr")), expected["flow_recipe"]) <= TOLERANCE


def test_liteflownet_gives_the_reference_features_correlations_and_flow() -> None:
    network, expected = LiteFlowNet(), read_golden("liteflownet")
    load_recipe(network, "liteflownet", gain=1.6)
    first, second, one, two = _arrays("liteflownet", "one_bgr", "two_bgr", "corr_in1", "corr_in2")
    with torch.inference_mode():
        assert relative_error(network.netFeatures(first - 0.4)[-1], expected["feat6"]) <= TOLERANCE
        assert relative_error(local_correlation(one, two, 3), expected["corr_s1"]) <= TOLERANCE
        assert relative_error(local_correlation(one, two, 3, stride=2), expected["corr_s2"]) <= TOLERANCE
        assert relative_error(network(first, second), expected["flow"]) <= TOLERANCE


def test_a_pixel_is_fetched_from_where_the_flow_points() -> None:
    # A ramp x + 10 y, fetched from half a pixel right and one below; beyond the last row lies zero or the edge.
    ramp = (torch.arange(3.0)[None, :] + 10 * torch.arange(3.0)[:, None]).view(1, 1, 3, 3)
    flow = torch.tensor([0.5, 1.0]).view(1, 2, 1, 1).expand(1, 2, 3, 3)
    expected = torch.tensor([[10.5, 11.5, 6.0], [20.5, 21.5, 11.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(backwarp(ramp, flow)[0, 0], expected, atol=1e-4, rtol=0)
    kept = torch.tensor([20.5, 21.5, 22.0])
    torch.testing.assert_close(backwarp(ramp, flow, "border")[0, 0, 2], kept, atol=1e-4, rtol=0)
