from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.evaluation.datasets import Dataset, open_dataset
from pipeline.evaluation.errors import SelectionError
from pipeline.evaluation.joining import JoinPlan, join, scene_seconds
from tests.fakes.walks import write_walks

NAMES = ("a", "b", "c", "d")
PLAN = JoinPlan(shortest=2, longest=5, frame_rate=4)


@pytest.fixture
def walks(tmp_path: Path) -> Dataset:
    write_walks(tmp_path / "walks", NAMES, 3)
    return open_dataset(tmp_path / "walks")


def test_every_sequence_comes_and_earlier_ones_return(walks: Dataset) -> None:
    (stream,) = join(walks, PLAN).sequences

    shown = [scene.sequence for scene in stream.scenes]
    assert [scene.visit for scene in stream.scenes] == [1, 1, 2, 1, 1, 2]
    assert {scene.sequence for scene in stream.scenes if scene.visit == 1} == set(NAMES)
    assert all(shown[index] in shown[: index - 1] for index in (2, 5))  # not the scene just seen
    assert all(before != after for before, after in pairwise(shown))


def test_scenes_last_their_seconds_and_begin_on_them(walks: Dataset) -> None:
    (stream,) = join(walks, PLAN).sequences

    assert all(2 <= scene.seconds <= 5 for scene in stream.scenes)
    assert all(after.start == before.start + before.seconds for before, after in pairwise(stream.scenes))
    assert len(stream.frames) == 4 * sum(scene.seconds for scene in stream.scenes)
    assert len({frame.name for frame in stream.frames}) == len(stream.frames)
    for scene in stream.scenes:
        frames = stream.frames[4 * scene.start : 4 * (scene.start + scene.seconds)]
        assert {frame.image.parent.name for frame in frames if frame.image} == {scene.sequence}


def test_a_scene_plays_forward_and_backward_with_its_ground_truth(walks: Dataset) -> None:
    (stream,) = join(walks, PLAN).sequences

    played = [frame.image.stem for frame in stream.frames[:8] if frame.image]
    assert played == [f"{index:05}" for index in (0, 1, 2, 1, 0, 1, 2, 1)]
    assert all(
        frame.image and frame.masks[0].stem == frame.image.stem and frame.masks[0].parent.name in frame.name
        for frame in stream.frames
    )


def test_the_seed_tells_streams_apart(walks: Dataset) -> None:
    assert join(walks, PLAN) == join(walks, PLAN)
    assert join(walks, PLAN) != join(walks, replace(PLAN, seed=1))
    assert join(walks, PLAN).sequences[0].inputs != join(walks, replace(PLAN, seed=1)).sequences[0].inputs


def test_sequences_are_dealt_out_to_streams(walks: Dataset) -> None:
    streams = join(walks, replace(PLAN, streams=2)).sequences

    assert [stream.name for stream in streams] == ["stream-1", "stream-2"]
    shown = [{scene.sequence for scene in stream.scenes} for stream in streams]
    assert shown[0] | shown[1] == set(NAMES)
    assert not shown[0] & shown[1]
    with pytest.raises(SelectionError, match="5 streams cannot be made of 4 sequences"):
        join(walks, replace(PLAN, streams=5))


def test_a_single_picture_fills_its_scene(tmp_path: Path) -> None:
    write_walks(tmp_path / "walks", ("a",), 1)

    (stream,) = join(open_dataset(tmp_path / "walks"), PLAN).sequences

    assert len(stream.frames) == 4 * stream.scenes[0].seconds


def test_durations_are_whole_seconds() -> None:
    assert scene_seconds("30") == (30, 30)
    assert scene_seconds("20-60") == (20, 60)
    for wrong in ("0", "60-20", "1.5", "soon", ""):
        with pytest.raises(SelectionError, match="whole seconds that a scene lasts"):
            scene_seconds(wrong)
