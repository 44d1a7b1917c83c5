"""Viewers, recorded: `python -m pipeline.bench.watched ENDPOINT …`, one of each, until standard input ends.

They may be started before the service: they try until it answers. {"playing"} is printed once each has shown a picture,
{"enough"} once each has shown twenty, and in the end {"viewers"}: for each the (shown at, burnt-in number or null) of
every frame, the former on the monotonic clock that all processes share.
"""

import asyncio
import json
import sys
import time
import urllib.request
from asyncio import TaskGroup
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from pipeline.bench.until_told import ended_input
from stream.burnt_number import read

_ENOUGH: Final = 20
"""Pictures without which nothing can be said of a viewer."""
_PAUSE: Final = 0.05
"""Seconds between two tries to reach the service."""

Shown = tuple[float, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Viewing:
    """What a viewer has shown, and events that are set with its first and with its twentieth picture."""

    shown: list[Shown] = field(default_factory=list)
    first: asyncio.Event = field(default_factory=asyncio.Event)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, number: int | None) -> None:
        """Take note of a picture."""
        self.shown.append((time.monotonic(), number))
        self.first.set()
        if len(self.shown) >= _ENOUGH:
            self.enough.set()


async def watch(endpoint: str, viewing: Viewing) -> None:
    """Play one endpoint, for ever."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    track: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
    connection.on("track", track.set_result)
    try:
        transceiver = connection.addTransceiver("video", "recvonly")
        capabilities: Any = RTCRtpReceiver.getCapabilities("video")
        transceiver.setCodecPreferences([one for one in capabilities.codecs if one.name in {"H264", "rtx"}])
        await connection.setLocalDescription(await connection.createOffer())
        answer = await _post(endpoint, connection.localDescription.sdp)
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        with suppress(MediaStreamError):
            while True:
                frame = await (await track).recv()
                if isinstance(frame, VideoFrame):
                    viewing.show(read(_grey(frame)))
    finally:
        await connection.close()


async def main(endpoints: list[str]) -> None:
    """Watch all endpoints until told to end, then tell."""
    ended = ended_input()
    viewings = [Viewing() for _ in endpoints]
    async with TaskGroup() as tasks:
        playing = [
            tasks.create_task(watch(endpoint, viewing), name=f"viewer of {endpoint}")
            for endpoint, viewing in zip(endpoints, viewings, strict=True)
        ]
        playing.append(tasks.create_task(_tell_of_all(viewings), name="first pictures"))
        await ended.wait()
        for task in playing:
            task.cancel()
    print(json.dumps({"viewers": [viewing.shown for viewing in viewings]}), flush=True)  # noqa: T201


def _grey(frame: VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.reformat(format="gray").to_ndarray(), np.uint8)


async def _tell_of_all(viewings: list[Viewing]) -> None:
    for viewing in viewings:
        await viewing.first.wait()
    print(json.dumps({"playing": time.monotonic()}), flush=True)  # noqa: T201
    for viewing in viewings:
        await viewing.enough.wait()
    print(json.dumps({"enough": time.monotonic()}), flush=True)  # noqa: T201


async def _post(endpoint: str, offer: str) -> str:
    """Return the answer to an offer, trying until the service is there."""
    while True:
        with suppress(OSError):  # refused, or told to come again
            return await asyncio.to_thread(_ask, endpoint, offer)
        await asyncio.sleep(_PAUSE)


def _ask(endpoint: str, offer: str) -> str:
    request = urllib.request.Request(  # noqa: S310 - of the benchmark's own service
        endpoint, offer.encode(), {"Content-Type": "application/sdp"}, method="POST"
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body.decode()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
