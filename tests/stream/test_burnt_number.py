import cv2
import numpy as np
import pytest

from configs.output import EncodingSettings
from stream.burnt_number import burn, read
from stream.encoder import Encoder
from stream.render import fit, overlay
from stream.synthetic import Demo, SyntheticReader


def ground(size: tuple[int, int] = (720, 1280)) -> np.ndarray:
    rng = np.random.default_rng(2)
    return cv2.resize(rng.integers(0, 256, (9, 16, 3), np.uint8), size[::-1], interpolation=cv2.INTER_CUBIC)


def grey(image: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


@pytest.mark.parametrize("number", [0, 1, 1234567, 2**24 - 1, 2**24 + 5])
def test_a_number_is_read_back(number: int) -> None:
    image = ground()
    burn(image, number)
    assert read(grey(image)) == number % 2**24


@pytest.mark.parametrize("size", [(720, 1280), (360, 640), (90, 160)])
def test_it_survives_overlay_shrinking_and_h264(size: tuple[int, int]) -> None:
    import av  # noqa: PLC0415 - only here

    encoder = Encoder("h264", EncodingSettings(width=min(640, size[1])))
    decoder = av.CodecContext.create("h264", "r")
    numbers = []
    for number in range(100, 112):
        image = ground(size)
        burn(image, number)
        shown = overlay(fit(image, 640), np.full((45, 80), 0.2, np.float32))
        for coded in encoder.encode(shown, number * 3000):
            decoded = decoder.decode(av.Packet(coded.payload))  # type: ignore[attr-defined]
            numbers += [read(frame.reformat(format="gray").to_ndarray()) for frame in decoded]
    assert numbers == list(range(100, 100 + len(numbers)))
    assert len(numbers) >= 10


def test_where_there_is_none_none_is_read() -> None:
    assert read(grey(ground())) is None
    damaged = ground()
    burn(damaged, 77)
    damaged[-16:, 16 * 20 : 16 * 26] = 0
    assert read(grey(damaged)) is None


def test_the_demo_numbers_its_pictures_where_it_is_asked_to() -> None:
    pictures = iter(SyntheticReader(Demo.parse("demo://?width=320&height=180&numbered=1")))
    assert [read(grey(next(pictures).image)) for _ in range(4)] == [0, 1, 2, 3]
    assert read(grey(next(iter(SyntheticReader(Demo.parse("demo://?width=320&height=180")))).image)) is None
