import json
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from configs.settings import load_settings
from pipeline.evaluation.datasets import open_dataset
from pipeline.evaluation.evaluate import STAGES, evaluate, read_records
from pipeline.evaluation.jobs import Schedule
from pipeline.evaluation.joining import JoinPlan, join
from pipeline.evaluation.report import write_evaluation
from pipeline.evaluation.results import scores_of
from pipeline.evaluation.runner import RunPlan
from pipeline.evaluation.score import COLUMN, score_maps
from tests.fakes.pictures import write_picture
from tests.fakes.walks import write_walks

PLAN = RunPlan(
    mode="live",
    settings=load_settings(None, {"method": {"size": [64, 96], "keyframe_threshold": 1.0}}),
    round_seconds=0,
)


def test_saved_maps_score_as_the_final_map_did(tmp_path: Path) -> None:
    write_walks(tmp_path / "set", ("a", "b"), 5)
    dataset = open_dataset(tmp_path / "set")

    found = evaluate(dataset, PLAN, tmp_path / "out", maps=tmp_path / "maps", quiet=True)

    scored = score_maps({"ours": tmp_path / "maps"}, dataset, Schedule(quiet=True))["ours"]
    ours, theirs = scores_of(found.results, STAGES), scores_of(scored, [COLUMN])
    for convention in ("paper", "toolbox"):
        assert ours[convention]["final"] == theirs[convention][COLUMN]


def test_json_has_the_agreed_keys(tmp_path: Path) -> None:
    write_walks(tmp_path / "set", ("a",), 4)

    found = evaluate(open_dataset(tmp_path / "set"), PLAN, tmp_path / "out", quiet=True)
    content = json.loads(json.dumps(found.as_json()))

    assert list(content) == [
        "dataset",
        "split",
        "mode",
        "model",
        "flow",
        "conventions",
        "sequences",
        "keyframes",
        "retrainings",
        "swaps",
        "rejected",
        "fps",
    ]
    assert (content["dataset"], content["split"], content["mode"]) == ("set", None, "live")
    assert set(content["conventions"]) == set(content["sequences"]["a"]) == {"paper", "toolbox"}
    assert set(content["conventions"]["paper"]) == {"colour", "motion", "low_level", "final"}
    assert set(content["conventions"]["paper"]["final"]) == {"maxF", "avgF", "MAE", "S", "E"}
    assert content["fps"] > 0


def test_finished_sequences_are_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_walks(tmp_path / "set", ("a", "b"), 4)
    dataset = open_dataset(tmp_path / "set")
    evaluate(open_dataset(tmp_path / "set", sequences=["a"]), PLAN, tmp_path / "out", quiet=True)
    decode = Mock(side_effect=cv2.imdecode)
    monkeypatch.setattr(cv2, "imdecode", decode)

    found = evaluate(dataset, PLAN, tmp_path / "out", quiet=True)

    assert [result.name for result in found.results] == ["a", "b"]
    assert decode.call_count == 8  # the four pictures and four masks of b


def test_a_sequence_whose_files_changed_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_walks(tmp_path / "set", ("a", "b"), 3)
    evaluate(open_dataset(tmp_path / "set"), PLAN, tmp_path / "out", quiet=True)
    write_picture(tmp_path / "set" / "masks" / "b" / "00001.png", np.zeros((96, 128), np.uint8))
    decode = Mock(side_effect=cv2.imdecode)
    monkeypatch.setattr(cv2, "imdecode", decode)

    found = evaluate(open_dataset(tmp_path / "set"), PLAN, tmp_path / "out", quiet=True)

    assert decode.call_count == 6
    assert [problem.kind for problem in found.results[1].problems] == ["empty ground truth"]


def test_a_joined_stream_is_followed_over_time(tmp_path: Path) -> None:
    write_walks(tmp_path / "set", ("a", "b"), 4)
    write_picture(tmp_path / "set" / "masks" / "a" / "00001.png", np.zeros((96, 128), np.uint8))
    dataset = join(open_dataset(tmp_path / "set"), JoinPlan(shortest=4, longest=4, frame_rate=2))
    rounds = {
        "first_keyframes": 2,
        "new_keyframes": 100,
        "held_out": 0,
        "window": {"spacing": 0},
        "retraining": {"iterations_per_keyframe": 1},
    }
    method = {"size": [64, 96], "keyframe_threshold": 1.0}
    plan = RunPlan(
        mode="live",
        settings=load_settings(None, {"method": method, "adaptation": rounds}),
        round_seconds=0,
        frame_rate=2,
    )

    found = evaluate(dataset, plan, tmp_path / "out", quiet=True)
    content = found.as_json()
    page = write_evaluation(found).read_text(encoding="utf-8")

    (stream,) = content["streams"].values()
    assert [scene["seconds"] for scene in stream["scenes"]] == [4, 4, 4]
    assert stream["starts"] == [0, 1, 2]
    assert {"retraining-started", "swapped"} <= {one["kind"] for one in stream["adaptation"]}
    assert stream["final"] != stream["unadapted"]
    whole = found.timelines["stream-1"].over([0], 12)
    assert content["conventions"]["paper"]["final"]["maxF"] == pytest.approx(whole.final[0], abs=1e-6)
    assert [problem.kind for problem in found.results[0].problems] == ["empty ground truth"]  # once for all its visits
    assert "course of stream-1" in page
    assert page.count("worst: frame") == 3
    again = evaluate(dataset, plan, tmp_path / "out", quiet=True)  # from what was kept
    assert again.as_json() == content


def test_broken_frames_are_named_and_the_rest_is_scored(tmp_path: Path) -> None:
    write_walks(tmp_path / "set", ("a",), 8)
    frames, masks = tmp_path / "set" / "frames" / "a", tmp_path / "set" / "masks" / "a"
    (frames / "00002.png").unlink()
    (frames / "00003.png").write_bytes(b"")
    write_picture(masks / "00004.png", np.full((10, 10), 255, np.uint8))
    (masks / "00005.png").unlink()
    write_picture(masks / "00006.png", np.zeros((96, 128), np.uint8))

    found = evaluate(open_dataset(tmp_path / "set"), PLAN, tmp_path / "out", quiet=True)

    assert {(problem.frame, problem.kind) for problem in found.results[0].problems} == {
        ("00002", "missing frame"),
        ("00003", "corrupt frame"),
        ("00004", "size mismatch"),
        ("00005", "missing mask"),
        ("00006", "empty ground truth"),
    }
    assert found.results[0].frames == 6
    assert found.results[0].totals["final"]["paper"].frames == 3


def test_the_report_is_one_page_with_table_curves_frames_and_problems(tmp_path: Path) -> None:
    write_walks(tmp_path / "set", ("a",), 6)
    write_picture(tmp_path / "set" / "masks" / "a" / "00003.png", np.zeros((96, 128), np.uint8))
    found = evaluate(open_dataset(tmp_path / "set"), PLAN, tmp_path / "out", quiet=True)

    page = write_evaluation(found).read_text(encoding="utf-8")

    assert page.count("data:image/png;base64,") == 3
    assert page.count("worst: frame") == page.count("best: frame") == 3
    assert "final without a twin" in page
    assert "keyframe_threshold: 1.0" in page
    assert "keyframe" in page
    assert "a: empty ground truth: 00003" in page
    assert "http" not in page
    records = list(read_records(found.output, "a"))
    assert [record["frame"] for record in records] == [f"{index:05}" for index in range(6)]
    assert all(-1 <= record["ssim"] <= 1 for record in records if "ssim" in record)


def test_several_processes_find_the_same(tmp_path: Path) -> None:
    write_walks(tmp_path / "set", ("a", "b"), 4)
    maps = tmp_path / "set" / "masks"
    dataset = open_dataset(tmp_path / "set")

    alone = score_maps({"m": maps}, dataset, Schedule(quiet=True))["m"]
    together = score_maps({"m": maps}, dataset, Schedule(quiet=True, processes=2))["m"]

    assert scores_of(alone, [COLUMN]) == scores_of(together, [COLUMN])
