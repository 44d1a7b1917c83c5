"""Each flow network, under the reference's weights, gives the reference's outputs."""

import pytest
import torch
from torch import Tensor

from models.flow.raft import LARGE, SMALL, Raft, RaftSize
from tests.fakes.golden import TOLERANCE, load_recipe, manifest_of, read_golden, read_manifest, relative_error


def _inputs(name: str, *keys: str) -> tuple[Tensor, ...]:
    arrays = read_golden(name)
    return tuple(torch.from_numpy(arrays[key]) for key in keys)


@pytest.mark.parametrize(("name", "size"), [("raft", LARGE), ("raft_small", SMALL)])
def test_raft_gives_the_reference_flow_after_one_and_four_iterations(name: str, size: RaftSize) -> None:
    network, expected = Raft(size), read_golden(name)
    load_recipe(network, name, gain=0.7)
    first, second = _inputs(name, "one", "two")
    with torch.inference_mode():
        after_one, _ = network.refine(first, second, 1)
        after_four, enlarged = network.refine(first, second, 4)
    assert relative_error(after_one, expected["lo_it1"]) <= TOLERANCE
    assert relative_error(after_four, expected["lo_it4"]) <= TOLERANCE
    assert relative_error(enlarged, expected["up_it4"]) <= TOLERANCE


@pytest.mark.parametrize(("name", "size"), [("raft", LARGE), ("raft_small", SMALL)])
def test_raft_has_the_public_checkpoints_keys(name: str, size: RaftSize) -> None:
    assert manifest_of(Raft(size)) == read_manifest(name)
