"""What one publisher sends: coded pictures, from the event loop to the thread that decodes them."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from configs.webrtc import Codec

CAPACITY: Final = 30
"""Coded pictures that wait to be decoded: a second; then all are dropped up to the next keyframe."""

_SLICE, _IDR, _SEQUENCE_PARAMETERS = 1, 5, 7  # types of H.264's NAL units
_START_CODE: Final = b"\0\0\1"


@dataclass(frozen=True, slots=True, eq=False)
class CodedPicture:
    """One coded picture as it was received.

    Attributes:
        codec: that it is coded in.
        payload: H.264 in Annex B, or one VP8 frame.
        timestamp: RTP time since the publisher's first picture, 1 / 90000 s.
    """

    codec: Codec
    payload: bytes
    timestamp: int

    @property
    def is_keyframe(self) -> bool:
        """Whether decoding can start here."""
        if self.codec == "vp8":
            return bool(self.payload) and not self.payload[0] & 1
        return _starts_h264(self.payload)


class Publication:
    """Coded pictures of one publisher, bounded; after a gap only a keyframe goes on.

    `put` and `end` belong to the event loop that it was made in, `pictures` to a thread. The lock is held for a few
    assignments only.

    Attributes:
        dropped: pictures that were lost because they were not decoded in time.
        keyframe_wanted: set when the publisher is to be asked for a keyframe.
        last_at: when its last picture came, or else when it was let in; monotonic seconds.
    """

    def __init__(
        self, on_unread: Callable[[], None], clock: Callable[[], float] = time.monotonic, capacity: int = CAPACITY
    ) -> None:
        """Make a publication that has no picture yet.

        Args:
            on_unread: called on the loop when a picture comes that nobody is reading.
            clock: monotonic seconds.
            capacity: pictures that may wait.
        """
        self.dropped = 0
        self.keyframe_wanted = asyncio.Event()
        self.last_at = clock()
        self._on_unread = on_unread
        self._clock = clock
        self._capacity = capacity
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[CodedPicture] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._lost = True
        self._ended = False
        self._readings = 0
        self._reading = 0

    def put(self, picture: CodedPicture) -> None:
        """Take a picture from the network."""
        self.last_at = self._clock()
        with self._changed:
            if self._ended:
                return
            if len(self._waiting) >= self._capacity:
                self.dropped += len(self._waiting)
                self._waiting.clear()
                self._lost = True
            if self._lost and not picture.is_keyframe:
                self.dropped += 1 if self._readings else 0
                self.keyframe_wanted.set()
            else:
                self._lost = False
                self._waiting.append(picture)
                self._changed.notify_all()
            unread = not self._reading
        if unread:
            self._on_unread()

    def end(self) -> None:
        """Say that nothing more comes."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def ask_for_keyframe(self) -> None:
        """Go on with the next keyframe, from the thread: what came before it cannot be decoded."""
        with self._changed:
            self._lost = True
            self._waiting.clear()
            ended = self._ended
        if not ended:  # afterwards the loop may be gone altogether
            self._loop.call_soon_threadsafe(self.keyframe_wanted.set)

    def pictures(self, patience: float) -> Generator[CodedPicture, None, None]:
        """Yield all pictures to a thread, from a keyframe on; one that reads anew ends an earlier reading.

        Raises:
            TimeoutError: none came for `patience` seconds.
        """
        with self._changed:
            overtaken = self._reading
            self._readings += 1
            mine = self._reading = self._readings
            self._changed.notify_all()
        if overtaken:
            self.ask_for_keyframe()
        try:
            while (picture := self._next(mine, patience)) is not None:
                yield picture
        finally:
            with self._changed:
                if self._reading == mine:
                    self._reading, self._lost = 0, True
                    self._waiting.clear()

    def _next(self, mine: int, patience: float) -> CodedPicture | None:
        with self._changed:
            came = self._changed.wait_for(lambda: self._waiting or self._ended or self._reading != mine, patience)
            if not came:
                message = f"no picture for {patience:g} s"
                raise TimeoutError(message)
            return self._waiting.popleft() if self._waiting and self._reading == mine else None


def _starts_h264(payload: bytes) -> bool:
    """Return whether an IDR picture or its parameters come before any other slice."""
    position = payload.find(_START_CODE)
    while 0 <= position < len(payload) - len(_START_CODE):
        kind = payload[position + len(_START_CODE)] & 0x1F
        if kind in (_IDR, _SEQUENCE_PARAMETERS):
            return True
        if kind == _SLICE:
            return False
        position = payload.find(_START_CODE, position + len(_START_CODE))
    return False
