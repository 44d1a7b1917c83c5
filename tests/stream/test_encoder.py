import av
import numpy as np
import pytest

from configs.output import EncodingSettings
from configs.webrtc import Codec
from stream.encoder import EncodedPicture, Encoder

SETTINGS = EncodingSettings(width=320, keyframe_interval=2.0)
CODECS: tuple[Codec, ...] = ("h264", "vp8")


def quadrants(height: int = 180, width: int = 320) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (220, 30, 30)
    image[: height // 2, width // 2 :] = (30, 200, 30)
    image[height // 2 :, : width // 2] = (30, 30, 220)
    image[height // 2 :, width // 2 :] = (230, 230, 230)
    return image


def decode(codec: Codec, pictures: list[EncodedPicture]) -> list[np.ndarray]:
    context = av.CodecContext.create(codec, "r")
    frames = [frame for picture in pictures for frame in context.decode(av.Packet(picture.payload))]
    return [frame.to_ndarray(format="rgb24") for frame in [*frames, *context.decode(None)]]


@pytest.mark.parametrize("codec", CODECS)
def test_what_goes_in_comes_out(codec: Codec) -> None:
    encoder = Encoder(codec, SETTINGS)
    pictures = [one for number in range(5) for one in encoder.encode(quadrants(), number * 3000)]
    assert [picture.timestamp for picture in pictures] == [0, 3000, 6000, 9000, 12000]
    decoded = decode(codec, pictures)
    assert len(decoded) == 5
    assert np.abs(decoded[-1].astype(int) - quadrants()).mean() < 6


@pytest.mark.parametrize("codec", CODECS)
def test_keyframes_come_first_on_demand_and_after_the_interval(codec: Codec) -> None:
    encoder = Encoder(codec, SETTINGS)
    keys = [
        picture.timestamp // 9000
        for number in range(40)
        for picture in encoder.encode(quadrants(), number * 9000, keyframe=number == 7)
        if picture.is_keyframe
    ]
    assert keys == [0, 7, 27]  # the interval, 2 s = 20 pictures, counts from the last keyframe


@pytest.mark.parametrize("codec", CODECS)
def test_a_new_size_starts_with_a_keyframe(codec: Codec) -> None:
    encoder = Encoder(codec, SETTINGS)
    encoder.encode(quadrants(), 0)
    changed = encoder.encode(quadrants(120, 160), 3000)
    assert [picture.is_keyframe for picture in changed] == [True]
    assert decode(codec, changed)[0].shape == (120, 160, 3)


def test_wide_and_odd_pictures_are_made_to_fit() -> None:
    encoded = Encoder("h264", SETTINGS).encode(quadrants(721, 1281), 0)
    assert decode("h264", encoded)[0].shape == (180, 320, 3)


def test_every_h264_keyframe_carries_its_parameter_sets() -> None:
    encoder = Encoder("h264", SETTINGS)
    encoder.encode(quadrants(), 0)
    (later,) = encoder.encode(quadrants(), 3000, keyframe=True)
    units = [part[0] & 0x1F for part in later.payload.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if part]
    assert {5, 7, 8} <= set(units)  # IDR, SPS, PPS
