import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.offline import RunFrame
from pipeline.outputs import measurements, open_output
from stream.errors import OutputError
from tests.fakes.frames import analysed, picture, saliency
from tests.fakes.mqtt_events import region_event, swapped


def run_frame(number: int = 0, image: np.ndarray | None = None) -> RunFrame:
    region = region_event("new")
    return RunFrame(analysed(number, saliency(0.8), (swapped(),), image), (region.after,), (region,))


def write(path: Path, frames: int = 3, view: str = "overlay", width: int | None = None) -> None:
    with open_output(path, view, width) as output:
        for number in range(frames):
            output(run_frame(number))


def test_a_frame_is_one_json_object(tmp_path: Path) -> None:
    write(tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(line["frame"], line["pts"], line["time"]) for line in lines] == [(0, 0, 0), (1, 1, 0.04), (2, 2, 0.08)]
    first = lines[0]
    assert first == json.loads(json.dumps(measurements(run_frame())))
    assert (first["nr"], first["is_keyframe"], first["scene_cut"], first["model_version"]) == (0.3, True, False, 0)
    assert first["saliency_peak"] == pytest.approx(0.8)
    assert first["saliency_mean"] == pytest.approx(0.8 * 32 * 48 / (64 * 96), abs=1e-6)
    assert first["regions"] == [{"id": "1700000000.0-abc123", "box": [10, 20, 110, 70], "score": 0.75}]
    assert [event["type"] for event in first["events"]] == ["swapped", "new"]


def test_a_diverged_loss_is_no_invalid_json() -> None:
    diverged = swapped()
    diverged.details["error_after"] = float("nan")
    frame = RunFrame(analysed(0, events=(diverged,)), (), ())
    assert json.loads(json.dumps(measurements(frame), allow_nan=False))["events"][0]["error_after"] is None


def test_a_folder_holds_a_grey_map_of_the_frames_size_for_every_frame(tmp_path: Path) -> None:
    with open_output(tmp_path / "new" / "maps", "final", None) as output:
        for number in range(3):
            output(run_frame(number, picture(number, (128, 192))))
    files = sorted((tmp_path / "new" / "maps").iterdir())
    assert [file.name for file in files] == ["00000.png", "00001.png", "00002.png"]
    levels = cv2.imread(str(files[0]), cv2.IMREAD_UNCHANGED)
    assert levels.shape == (128, 192)
    assert (levels[64, 96], levels[2, 2]) == (round(0.8 * 255), 0)


def test_a_folder_of_another_view_holds_pictures_in_colour(tmp_path: Path) -> None:
    write(tmp_path / "pictures", 1, "source")
    shown = cv2.imread(str(tmp_path / "pictures" / "00000.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(shown[..., ::-1], picture(0))


@pytest.mark.parametrize("name", ["out.mp3", "out.webm", "out.txt"])
def test_an_unknown_suffix_is_refused_with_those_that_are_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=rf"nothing is written as '{Path(name).suffix}'; use one of .jsonl, .mp4"):
        open_output(tmp_path / name, "overlay", None)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out.jsonl", "out.mp4", "maps"])
def test_what_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / name
    with pytest.raises(OutputError, match=r"file/.* cannot be (written|made a folder)"):
        write(path)


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").mkdir()
    with pytest.raises(OutputError, match=r"out\.jsonl: cannot be written"):
        write(tmp_path / "out.jsonl")
