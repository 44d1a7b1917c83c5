import asyncio
import threading
from collections.abc import Iterator

import pytest

from configs.output import EncodingSettings
from configs.source import SourceSettings
from stream.encoder import Encoder
from stream.errors import SilentSourceError, SourceError, UnsupportedSourceError
from stream.location import locate
from stream.probe import probe
from stream.publication import CodedPicture, Publication
from stream.published_reader import PublishedReader
from tests.fakes.media import numbered, read_number
from tests.fakes.waiting import until

KEY, DELTA = b"\x10", b"\x11"


async def take(reading: Iterator[CodedPicture]) -> int:
    """Return the time of the next picture, read as it should be: in a thread."""
    return (await asyncio.to_thread(next, reading)).timestamp


def vp8(payload: bytes, number: int = 0) -> CodedPicture:
    return CodedPicture("vp8", payload, number)


def publication(unread: list[str] | None = None, capacity: int = 3) -> Publication:
    noted = [] if unread is None else unread
    return Publication(lambda: noted.append("unread"), lambda: 0.0, capacity)


@pytest.mark.parametrize(
    ("payload", "is_keyframe"),
    [
        (b"\0\0\0\1\x67\0\0\1\x68\0\0\0\1\x65", True),
        (b"\0\0\0\1\x06\xff\0\0\1\x65", True),
        (b"\0\0\0\1\x41\x9a", False),
        (b"\0\0\0\1\x09\xf0\0\0\1\x41\0\0\1\x65", False),
        (b"\0\0\1", False),
        (b"", False),
    ],
)
def test_h264_keyframes_are_known_by_their_first_units(payload: bytes, *, is_keyframe: bool) -> None:
    assert CodedPicture("h264", payload, 0).is_keyframe is is_keyframe


async def test_reading_starts_at_a_keyframe_and_asks_for_one() -> None:
    unread: list[str] = []
    sent = publication(unread)
    sent.put(vp8(DELTA))
    assert sent.keyframe_wanted.is_set()
    assert unread == ["unread"]
    sent.put(vp8(KEY, 1))
    sent.put(vp8(DELTA, 2))
    reading = sent.pictures(patience=0.01)
    assert [await take(reading), await take(reading)] == [1, 2]
    sent.put(vp8(DELTA, 3))
    assert unread == ["unread"] * 3, "someone reads now"
    sent.end()
    assert await asyncio.to_thread(lambda: [picture.timestamp for picture in reading]) == [3]
    assert sent.dropped == 0


async def test_what_is_not_decoded_in_time_is_dropped_up_to_the_next_keyframe_and_counted() -> None:
    sent = publication(capacity=3)
    reading = sent.pictures(patience=0.01)
    sent.put(vp8(KEY, 0))
    assert await take(reading) == 0
    for number in range(1, 6):
        sent.put(vp8(DELTA, number))
    assert sent.keyframe_wanted.is_set()
    assert sent.dropped == 5
    sent.put(vp8(KEY, 6))
    assert await take(reading) == 6
    with pytest.raises(TimeoutError):
        await take(reading)


async def test_a_new_reading_ends_an_older_one_that_hangs() -> None:
    sent = publication()
    old: list[CodedPicture] = []
    thread = threading.Thread(target=lambda: old.extend(sent.pictures(patience=30)), daemon=True)
    thread.start()
    await until(lambda: sent._reading == 1)
    new = sent.pictures(patience=0.01)
    sent.put(vp8(DELTA, 1))
    with pytest.raises(TimeoutError):
        await take(new)
    await until(lambda: not thread.is_alive())
    assert old == []


async def test_a_picture_that_cannot_be_decoded_is_counted_and_a_keyframe_asked_for() -> None:
    sent = publication(capacity=10)
    encoder = Encoder("vp8", EncodingSettings(width=192))
    (first,), (second,) = encoder.encode(numbered(1), 0), encoder.encode(numbered(2), 3000)
    (third,) = encoder.encode(numbered(3), 6000, keyframe=True)
    assert (first.is_keyframe, second.is_keyframe, third.is_keyframe) == (True, False, True)
    for payload, number in ((first.payload, 0), (KEY + b"nonsense", 1500), (second.payload, 3000)):
        sent.put(vp8(payload, number))
    reader = PublishedReader("whip://", sent, 0.05)
    pictures = iter(reader)
    assert read_number((await asyncio.to_thread(next, pictures)).image) == 1
    with pytest.raises(SilentSourceError, match=r"sent no picture for 0\.05 s"):
        await asyncio.to_thread(next, pictures)
    assert reader.corrupt == 1
    assert sent.keyframe_wanted.is_set()
    reader.close()
    sent.put(vp8(second.payload, 3000))
    sent.put(vp8(third.payload, 6000))
    sent.end()
    pictures = iter(PublishedReader("whip://", sent, 0.05))
    assert (picture := await asyncio.to_thread(next, pictures)).pts == 6000
    assert read_number(picture.image) == 3
    with pytest.raises(SourceError, match="has left"):
        await asyncio.to_thread(next, pictures)


def test_a_url_that_names_more_is_refused_in_words() -> None:
    assert locate("whip://").kind == locate("WHIP://").kind == "whip"
    with pytest.raises(UnsupportedSourceError, match="publishers come to it"):
        locate("whip://192.0.2.1/live")
    with pytest.raises(UnsupportedSourceError, match="make it a camera of `livesal serve`"):
        probe("whip://")
    with pytest.raises(ValueError, match="does not go with whip://"):
        SourceSettings.model_validate({"url": "whip://", "live": False})
