from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.conventions import FrameScore, Sums, averages
from pipeline.evaluation.course_plot import plot_course
from pipeline.evaluation.datasets import Scene
from pipeline.evaluation.results import SequenceResult, load_result, save_result
from pipeline.evaluation.timeline import Happening, Timeline


def score(precision: float, recall: float) -> FrameScore:
    return FrameScore(np.stack([np.full(256, precision), np.full(256, recall), *np.zeros((2, 256))]), mae=0, s=0)


def f(precision: float, recall: float) -> float:
    return 1.3 * precision * recall / (0.3 * precision + recall)


def stream(seconds: int, final: float, unadapted: float = 0.5) -> Timeline:
    """Return a stream of two frames a second, both maps with recall 1."""
    timeline = Timeline()
    for index in range(2 * seconds):
        timeline.add(index / 2, {"final": score(final, 1), "unadapted": score(unadapted, 1)})
    timeline.trim(seconds)
    return timeline


def test_a_stretch_is_scored_over_its_frames_as_in_the_paper() -> None:
    timeline = Timeline()
    sums = Sums()
    for time, precision, recall in ((0.0, 1.0, 0.4), (0.9, 0.5, 1.0), (2.5, 0.2, 0.9)):
        one = score(precision, recall)
        sums.add(one)
        timeline.add(time, {"final": one, "unadapted": score(0.5, 0.5)})
    timeline.trim(3)

    course = timeline.windows(3)

    found = averages([sums], "paper")
    assert found is not None
    assert course.final.tolist() == pytest.approx([found[0].maxF])
    assert course.unadapted.tolist() == pytest.approx([0.5])
    assert timeline.over([0], 2).final.tolist() == pytest.approx([f(0.75, 0.7)])
    assert np.isnan(timeline.over([1], 1).final).all()  # nothing was scored in this second


def test_the_largest_shortfall_is_where_adapting_lost_most() -> None:
    timeline = stream(14, 0.52)
    for time in (10, 10.5, 11):
        timeline.add(time, {"final": score(0, 1), "unadapted": score(0.5, 1)})

    content = timeline.as_json()

    lost = f(0.5, 1) - f(0.52 * 20 / 23, 1)  # of 23 frames three have precision 0: the stretches from 2, 3 and 4 s on
    assert content["largest_shortfall"] == {"maxF": pytest.approx(lost), "start": 2}
    assert content["starts"] == [0, 1, 2, 3, 4]
    assert content["mean_gain"] == pytest.approx(np.mean(np.array(content["final"]) - content["unadapted"]), abs=1e-5)
    assert stream(14, 0.52).as_json()["largest_shortfall"]["maxF"] == 0


def test_a_stream_without_ground_truth_has_no_score() -> None:
    timeline = Timeline(frames=np.zeros(12, np.int64), sums=np.zeros((12, 2, 2, 256), np.float32))

    content = timeline.as_json()

    assert content["final"] == [None, None, None]
    assert content["largest_shortfall"] is content["mean_gain"] is None


def test_scenes_have_scores_of_their_own(tmp_path: Path) -> None:
    timeline = stream(12, 0.6)
    timeline.scenes = (
        Scene(sequence="a", start=0, seconds=5, visit=1),
        Scene(sequence="b", start=5, seconds=7, visit=1),
    )
    timeline.happenings = [
        Happening(5.0, "reset", "scene cut"),
        Happening(7.5, "swapped"),
        Happening(8, "something-new"),
        Happening(9, "reset", "scene cut"),
        Happening(10, "reset", "asked for"),
    ]

    content = timeline.as_json()
    plot_course(timeline, tmp_path / "course.png", "stream")

    assert [scene["sequence"] for scene in content["scenes"]] == ["a", "b"]
    assert content["scenes"][1]["final"] == pytest.approx(f(0.6, 1), abs=1e-5)
    assert content["cuts"] == {"made": 1, "found": 1, "false": 1}
    assert content["adaptation"][0] == {"time": 5.0, "kind": "reset", "reason": "scene cut"}
    assert (tmp_path / "course.png").read_bytes().startswith(b"\x89PNG")


def test_a_course_is_kept_with_its_sequence(tmp_path: Path) -> None:
    timeline = stream(12, 0.6)
    timeline.scenes = (Scene(sequence="a", start=0, seconds=12, visit=1),)
    timeline.happenings = [Happening(7.5, "swapped")]
    save_result(SequenceResult(name="s", totals={}, timeline=timeline), tmp_path / "s.npz", "one")

    again = load_result(tmp_path / "s.npz", "one")

    assert again is not None
    assert again.timeline is not None
    assert again.timeline.as_json() == timeline.as_json()
