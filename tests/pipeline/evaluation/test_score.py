from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.datasets import open_dataset
from pipeline.evaluation.errors import MapsError
from pipeline.evaluation.jobs import Schedule
from pipeline.evaluation.problems import summarise
from pipeline.evaluation.results import SequenceResult, load_result, save_result, scores_of
from pipeline.evaluation.score import COLUMN, method_names, score_maps
from tests.fakes.pictures import write_picture

QUIET = Schedule(quiet=True)


def fill(folder: Path, frames: int = 8) -> None:
    """Write a data set whose maps are right to the pixel."""
    for index in range(frames):
        mask = np.zeros((20, 30), np.uint8)
        mask[5:12, 3 + index : 10 + index] = 255
        write_picture(folder / "set" / "frames" / "walk" / f"{index:05}.jpg", np.full((20, 30, 3), 90, np.uint8))
        write_picture(folder / "set" / "masks" / "walk" / f"{index:05}.png", mask)
        write_picture(folder / "maps" / "walk" / f"{index:05}.png", mask)


def one(folder: Path) -> SequenceResult:
    return score_maps({"a": folder / "maps"}, open_dataset(folder / "set"), QUIET)["a"][0]


def test_broken_frames_are_named_and_the_rest_is_scored(tmp_path: Path) -> None:
    fill(tmp_path)
    corrupt = tmp_path / "set" / "masks" / "walk" / "00002.png"
    corrupt.write_bytes(corrupt.read_bytes()[:60])
    (tmp_path / "maps" / "walk" / "00003.png").unlink()
    (tmp_path / "maps" / "walk" / "00004.png").write_bytes(b"no picture")
    write_picture(tmp_path / "set" / "masks" / "walk" / "00005.png", np.zeros((20, 30), np.uint8))
    write_picture(tmp_path / "maps" / "walk" / "00006.png", np.full((40, 60), 255, np.uint8))

    result = one(tmp_path)

    assert {(problem.frame, problem.kind, problem.scored) for problem in result.problems} == {
        ("00002", "corrupt mask", False),
        ("00003", "missing map", False),
        ("00004", "corrupt map", False),
        ("00005", "empty ground truth", False),
        ("00006", "size mismatch", True),
    }
    assert result.totals[COLUMN]["paper"].frames == 4
    assert result.totals[COLUMN]["toolbox"].frames == 2  # 00000 and 00007 count for the paper only
    lines = summarise(result.problems)
    assert any(line.startswith("walk: corrupt mask: 00002 (") and "is no intact image" in line for line in lines)
    assert any("60x40, resized to the ground truth's 30x20" in line for line in lines)


def test_right_maps_score_one(tmp_path: Path) -> None:
    fill(tmp_path)

    table = scores_of([one(tmp_path)], [COLUMN])

    for convention in ("paper", "toolbox"):
        scores = table[convention][COLUMN]
        assert scores is not None
        assert scores.maxF == pytest.approx(1)
        assert scores.MAE == 0
        assert pytest.approx(1) == scores.S


def test_results_are_kept_and_taken_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    schedule = Schedule(results=tmp_path / "results", fingerprint="one", quiet=True)
    maps, dataset = {"a": tmp_path / "maps"}, open_dataset(tmp_path / "set")
    first = score_maps(maps, dataset, schedule)["a"]
    monkeypatch.setattr("pipeline.evaluation.score.tally", None, raising=False)
    monkeypatch.setattr("pipeline.evaluation.scoring.tally", None)

    again = score_maps(maps, dataset, schedule)["a"]

    assert scores_of(again, [COLUMN]) == scores_of(first, [COLUMN])
    with pytest.raises(TypeError):  # other conditions: scored anew, which the missing function shows
        score_maps(maps, dataset, Schedule(results=tmp_path / "results", fingerprint="two", quiet=True))


def test_a_damaged_result_is_no_result(tmp_path: Path) -> None:
    path = tmp_path / "walk.npz"
    save_result(SequenceResult(name="walk", totals={}), path, "one")
    assert load_result(path, "one") is not None
    path.write_bytes(path.read_bytes()[:40])

    assert load_result(path, "one") is None
    assert load_result(tmp_path / "none.npz", "one") is None


def test_maps_of_something_else_are_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    write_picture(tmp_path / "other" / "run" / "1.png", np.zeros((4, 4), np.uint8))

    with pytest.raises(MapsError, match=r"expected a folder of maps a sequence \(walk, …\), found run"):
        score_maps({"a": tmp_path / "other"}, open_dataset(tmp_path / "set"), QUIET)


def test_methods_are_named_by_their_folders() -> None:
    assert list(method_names([Path("/x/a"), Path("/x/b")])) == ["a", "b"]
    assert list(method_names([Path("/x/a/maps"), Path("/x/b/maps")])) == ["a/maps", "b/maps"]
