import os
from pathlib import Path
from typing import Any

import pytest

from configs.events import ClipSettings
from stream.errors import OutputError
from stream.recording.clip_folder import ClipFolder, Usage

NOW = 1_700_000_000.0
DAY = 86_400.0


def folder(path: Path, **settings: Any) -> ClipFolder:
    return ClipFolder(path, ClipSettings.model_validate({"free": 0} | settings))


def put(path: Path, name: str, size: int, age: float) -> Path:
    path.mkdir(exist_ok=True)
    (path / name).write_bytes(bytes(size))
    os.utime(path / name, (NOW - age, NOW - age))
    return path / name


def test_what_is_older_than_the_days_goes(tmp_path: Path) -> None:
    old = put(tmp_path, "1.5-aaaaaa.mp4", 10, 3.1 * DAY)
    young = put(tmp_path, "2.5-bbbbbb.mp4", 20, 2.9 * DAY)
    assert folder(tmp_path, days=3).sweep(NOW) == Usage(1, 20)
    assert (old.exists(), young.exists()) == (False, True)


def test_the_oldest_go_until_the_rest_fits(tmp_path: Path) -> None:
    for number, age in enumerate([30.0, 10.0, 20.0]):
        put(tmp_path, f"{number}.5-aaaaaa.mp4", 400_000, age)
    put(tmp_path, "3.5-aaaaaa.jpg", 100_000, 5.0)
    assert folder(tmp_path, megabytes=1).sweep(NOW) == Usage(2, 900_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.5-aaaaaa.mp4", "2.5-aaaaaa.mp4", "3.5-aaaaaa.jpg"]


def test_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    mine = put(tmp_path, "holiday.mp4", 10, 100 * DAY)
    folder(tmp_path, days=1).sweep(NOW)
    assert mine.exists()


def test_what_was_left_half_written_goes_at_the_start(tmp_path: Path) -> None:
    left = put(tmp_path, "1.5-aaaaaa.mp4.part", 10, 0)
    folder(tmp_path).prepare()
    assert not left.exists()


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"events\.clips\.folder .*file.* cannot be used"):
        folder(tmp_path / "file").prepare()


def test_a_picture_is_there_once_it_is_whole(tmp_path: Path) -> None:
    clips = folder(tmp_path)
    clips.keep_picture("1.5-aaaaaa", b"\xff\xd8picture")
    assert clips.file("1.5-aaaaaa", ".jpg").read_bytes() == b"\xff\xd8picture"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "1.5-aaaaaa/..", "", "1.5-AAAAAA", "1.5-aaaaaa\n"])
def test_a_name_that_is_no_events_id_leads_nowhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no event's id"):
        folder(tmp_path).file(name, ".mp4")
