import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from models.checkpoint import load_into, locate, read_state, save_state, sha256, weights_folder
from models.errors import CheckpointError
from models.registry import Checkpoint


def state() -> dict[str, torch.Tensor]:
    return {"weight": torch.arange(6.0).view(2, 3), "bias": torch.zeros(2)}


def test_weights_survive_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.safetensors"
    save_state(state(), path, {"round": "1"})
    read = read_state(path)
    assert read.keys() == state().keys()
    assert torch.equal(read["weight"], state()["weight"])
    assert not list(path.parent.glob("*.partial"))


def test_half_precision_is_widened_and_wrappings_come_off(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "state_dict": {"module.weight": torch.ones(2).half()}}, tmp_path / "a.pth")
    read = read_state(tmp_path / "a.pth")
    assert read["weight"].dtype == torch.float32


class Evil:
    ran = False

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return _run, ("",)


def _run(_: str) -> Evil:
    Evil.ran = True
    return Evil()


def test_a_pickle_with_code_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"weight": Evil()}, path)
    with pytest.raises(CheckpointError, match=r"evil\.pth.*holds code"):
        read_state(path)
    with (tmp_path / "bare.pth").open("wb") as file:
        pickle.dump(Evil(), file, protocol=2)
    with pytest.raises(CheckpointError, match=r"bare\.pth"):
        read_state(tmp_path / "bare.pth")
    assert not Evil.ran


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "pth":
        torch.save(state(), path)
    else:
        save_state(state(), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CheckpointError, match=path.name):
        read_state(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such weights file"):
        read_state(tmp_path / "a.safetensors")


def test_what_is_no_state_dictionary_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="not a state dictionary"):
        read_state(tmp_path / "a.pth")
    torch.save({"epoch": 3}, tmp_path / "b.pth")
    with pytest.raises(CheckpointError, match="holds no state dictionary"):
        read_state(tmp_path / "b.pth")


def test_another_networks_weights_are_refused_by_their_keys() -> None:
    network = nn.Linear(3, 2)
    with pytest.raises(CheckpointError, match=r"1 missing \(bias\); 1 unknown \(scale\)"):
        load_into(network, {"weight": torch.zeros(2, 3), "scale": torch.zeros(1)}, "x.pth")
    with pytest.raises(CheckpointError, match="another shape"):
        load_into(network, {"weight": torch.zeros(3, 3), "bias": torch.zeros(2)}, "x.pth")
    load_into(network, state(), "x.pth")
    assert torch.equal(network.weight, state()["weight"])


def test_a_missing_download_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESAL_WEIGHTS", str(tmp_path))
    assert weights_folder() == tmp_path
    checkpoint = Checkpoint(file="a.pth", url="https://example.org/a", licence="MIT")
    with pytest.raises(CheckpointError, match=r"get it from https://example\.org/a \(MIT\)"):
        locate(checkpoint)
    (tmp_path / "a.pth").write_bytes(b"abc")
    assert locate(checkpoint) == tmp_path / "a.pth"
    assert sha256(tmp_path / "a.pth").startswith("ba7816bf")
