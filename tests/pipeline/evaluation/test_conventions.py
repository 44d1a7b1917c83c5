from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.conventions import Sums, averages, counts_for, score_frame
from pipeline.evaluation.datasets import open_dataset
from pipeline.evaluation.ground_truth import GroundTruth
from pipeline.evaluation.jobs import Schedule
from pipeline.evaluation.results import scores_of
from pipeline.evaluation.score import COLUMN, score_maps
from pipeline.evaluation.tally import tally


def f(precision: float, recall: float) -> float:
    return 1.3 * precision * recall / (0.3 * precision + recall)


def test_two_frames_by_hand_in_the_papers_convention(two_frames: tuple[Path, Path]) -> None:
    folder, maps = two_frames
    results = score_maps({"a": maps}, open_dataset(folder), Schedule(quiet=True))["a"]

    scores = scores_of(results, [COLUMN])["paper"][COLUMN]

    # Frame 0 finds 1 of 1 and 1 wrong (T < 128), then 1 of 1 alone (T < 255). Frame 1 finds 2 of 2 and 1 wrong
    # (T < 51), then 1 of 2 alone (T < 204), then nothing. At T = 255 nothing exceeds the threshold.
    curve = (
        [f((1 / 2 + 2 / 3) / 2, 1)] * 51
        + [f((1 / 2 + 1) / 2, (1 + 1 / 2) / 2)] * 77
        + [f(1, (1 + 1 / 2) / 2)] * 76
        + [f(1 / 2, 1 / 2)] * 51
        + [0.0]
    )
    assert scores is not None
    assert scores.maxF == pytest.approx(13 / 14)
    assert scores.avgF == pytest.approx(sum(curve) / 256)
    assert pytest.approx(((128 / 255) / 4 + (0.2 + 0.8 + 0.2) / 4) / 2) == scores.MAE


def test_two_frames_by_hand_in_the_toolboxs_convention(two_frames: tuple[Path, Path]) -> None:
    folder, maps = two_frames
    results = score_maps({"a": maps}, open_dataset(folder), Schedule(quiet=True))["a"]

    scores = scores_of(results, [COLUMN])["toolbox"][COLUMN]

    # Frame 1 is stretched: 204 becomes 1 and 51 becomes .25 (63.75 of 255). At threshold 0 everything is found.
    first = [f(1 / 4, 1)] + [f(1 / 2, 1)] * 128 + [f(1, 1)] * 127
    second = [f(1 / 2, 1)] + [f(2 / 3, 1)] * 63 + [f(1, 1 / 2)] * 192
    assert scores is not None
    assert scores.maxF == pytest.approx((1 + f(1, 1 / 2)) / 2)
    assert scores.avgF == pytest.approx((sum(first) + sum(second)) / 2 / 256)
    assert pytest.approx(((128 / 255) / 4 + (0.75 + 0.25) / 4) / 2) == scores.MAE


def test_toolbox_averages_sequences_where_the_paper_averages_frames() -> None:
    good = score_frame(tally(np.array([[255, 0]], np.uint8), GroundTruth(np.array([[True, False]]))))
    bad = score_frame(tally(np.array([[0, 255]], np.uint8), GroundTruth(np.array([[True, False]]))))
    found = {}
    for convention in ("paper", "toolbox"):
        long, short = Sums(), Sums()
        for _ in range(3):
            long.add(good[convention])
        short.add(bad[convention])
        scores = averages([long, short], convention)
        assert scores is not None
        found[convention] = scores[0]

    assert found["paper"].maxF == pytest.approx(f(3 / 4, 3 / 4))
    assert found["toolbox"].maxF == pytest.approx(f(1 / 2, 1))  # at threshold 0 everything is found
    assert found["toolbox"].avgF == pytest.approx((f(1 / 2, 1) + 255 * (1 + 0) / 2) / 256)
    assert found["paper"].MAE == found["toolbox"].MAE == pytest.approx(0.5)


def test_toolbox_leaves_out_first_and_last_ground_truth() -> None:
    assert [counts_for("toolbox", index, 4) for index in range(4)] == [False, True, True, False]
    assert all(counts_for("paper", index, 4) for index in range(4))
    assert all(counts_for("toolbox", index, 2) for index in range(2))


def test_nothing_scored_has_no_figures() -> None:
    assert averages([Sums()], "paper") is None
    assert averages([], "toolbox") is None
