import asyncio
import logging
from pathlib import Path

import numpy as np
import pytest

from configs.source import SourceSettings
from stream.channel import Channel
from stream.errors import CorruptSourceError
from stream.frame import Frame
from stream.image_folder import ImageFolder, read_image
from stream.source import open_source
from tests.fakes.media import numbered, read_number
from tests.fakes.pictures import write_picture


def test_images_come_sorted_by_name_at_25_a_second(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        write_picture(tmp_path / f"{number:05}.png", numbered(number)[..., ::-1].copy())
    (tmp_path / "notes.txt").write_text("no image")
    pictures = list(ImageFolder(tmp_path))
    assert [read_number(picture.image) for picture in pictures] == [0, 1, 2]
    assert [float((picture.pts or 0) * picture.time_base) for picture in pictures] == [0, 0.04, 0.08]


def test_colours_are_rgb(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[..., 2] = 250  # red, to OpenCV
    write_picture(tmp_path / "red.png", image)
    read = read_image(tmp_path / "red.png")
    assert read is not None
    assert read[0, 0].tolist() == [250, 0, 0]


async def test_damaged_images_are_skipped_named_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(4):
        write_picture(tmp_path / f"{number}.jpg", numbered(number))
    truncated = (tmp_path / "1.jpg").read_bytes()
    (tmp_path / "1.jpg").write_bytes(truncated[: len(truncated) // 2])
    (tmp_path / "2.jpg").write_bytes(b"no image at all")
    source = open_source(SourceSettings.model_validate({"url": str(tmp_path)}))
    out = Channel[Frame](4)
    with caplog.at_level(logging.WARNING, "livesal.source"):
        await asyncio.wait_for(source.run(out), 10)
    assert [(read_number(frame.image), frame.sequence, frame.time) async for frame in out] == [
        (0, 0, 0.0),
        (3, 1, 0.12),
    ]
    assert source.status.dropped == {"corrupt": 2}
    assert "2 of 4 images are damaged" in source.status.error
    assert str(tmp_path / "1.jpg") in caplog.text
    assert str(tmp_path / "2.jpg") in caplog.text


def test_a_folder_without_usable_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorruptSourceError, match=r"holds no images; known are \.jpg"):
        ImageFolder(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(CorruptSourceError, match="none of its 1 images"):
        list(ImageFolder(tmp_path))
