"""The thread that a source's pictures are decoded in."""

import threading
from collections.abc import Callable
from contextlib import closing

from stream.errors import ClosedChannelError
from stream.frame import Frame
from stream.frame_budget import FrameBudget
from stream.hand_off import HandOff
from stream.pace import Pace
from stream.reader import Opener, Reader
from stream.source_status import SourceRecord
from stream.timeline import Timeline


class FrameStamp:
    """Numbers and times of one source's frames; they go on over all its openings."""

    def __init__(self, clock: Callable[[], float], *, live: bool, fps_limit: float | None = None) -> None:
        """Start at frame 0; frames beyond `fps_limit` a second are left out."""
        self.clock = clock
        self.budget = FrameBudget(fps_limit) if fps_limit else None
        self.timeline = Timeline(live=live)
        self.sequence = 0


class ReadingThread:
    """Opens a reader and hands its pictures over as frames, in a daemon thread.

    A daemon, and never joined: a driver or a peer that hangs FFmpeg must hang neither the loop nor the process's end.

    Attributes:
        bursts: whether the reader's pictures come faster than they are to be shown; known once frames come.
    """

    def __init__(
        self,
        name: str,
        opener: Opener,
        hand_off: HandOff[Frame],
        stamp: FrameStamp,
        record: SourceRecord,
        *,
        paced: bool,
        loop: bool = False,
    ) -> None:
        """Make a thread that is not started yet.

        Args:
            name: of the thread; no credentials.
            opener: opens the reader.
            hand_off: takes the frames, the end, and the error that ended it.
            stamp: gives each frame its number and time.
            record: gets the frame rate and the count of corrupt pictures.
            paced: whether media that could come at once is held to its own speed; live streams have it anyway.
            loop: whether to open it again at its end, for ever.
        """
        self.bursts = False
        self._opener = opener
        self._hand_off = hand_off
        self._stamp = stamp
        self._record = record
        self._loop = loop
        self._pace = Pace(stamp.clock, hand_off.closed_within) if paced else None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs, though perhaps nobody takes its frames any more."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._read()
            while self._loop:
                self._read()
        except ClosedChannelError:
            return
        except Exception as error:  # noqa: BLE001 - it is raised on the loop
            self._hand_off.end(error)
        else:
            self._hand_off.end()

    def _read(self) -> None:
        with closing(self._opener()) as reader:
            self._check_wanted()
            self.bursts = reader.bursts
            self._record.frame_rate = float(reader.frame_rate)
            self._stamp.timeline.begin(reader.frame_rate)
            corrupt_before = self._record.dropped["corrupt"]
            for picture in reader:
                self._check_wanted()
                pts, time_base = self._stamp.timeline.place(picture, self._stamp.clock())
                if self._pace is not None and reader.bursts:
                    self._pace.until(float(pts * time_base))
                self._record.dropped["corrupt"] = corrupt_before + reader.corrupt
                if self._stamp.budget is not None and not self._stamp.budget.admits(float(pts * time_base)):
                    self._record.dropped["budget"] += 1
                    continue
                arrived_at = self._stamp.clock()
                self._hand_off.put(Frame(picture.image, pts, time_base, self._stamp.sequence, arrived_at))
                self._stamp.sequence += 1
            self._conclude(reader, corrupt_before)

    def _check_wanted(self) -> None:
        """Keep a thread that was given up while it hung from touching what its successor now uses."""
        if self._hand_off.closed_within(0):
            message = "nobody takes frames any more"
            raise ClosedChannelError(message)

    def _conclude(self, reader: Reader, corrupt_before: int) -> None:
        self._record.dropped["corrupt"] = corrupt_before + reader.corrupt
        if reader.damage:
            self._record.error = reader.damage
