"""WebRTC publishers: from an offer to coded pictures in a camera's inlet."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from aiortc import RTCPeerConnection, RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from stream.errors import StreamError
from stream.inlet import Inlet
from stream.offer import CODEC_NAMES, Offer
from stream.publication import CodedPicture, Publication
from stream.sessions import Session, Sessions

_QUEUE: Final = "_RTCRtpReceiver__decoder_queue"
_MENDING_PAUSE: Final = 0.5
"""Least seconds between two keyframes that a publisher is asked for."""


async def publish(sessions: Sessions, camera: str, inlet: Inlet, offer: Offer) -> Session:
    """Answer a publisher's offer; what it sends goes to `inlet` until its session ends.

    Raises:
        CameraTakenError: the camera has a publisher.
        SessionError: the offer cannot be answered.
    """
    session = Session("publisher", (camera,), sessions.connection())
    async with AsyncExitStack() as stack:
        publication = inlet.take(session.ended)
        stack.callback(inlet.leave, publication)

        def receive() -> None:
            _divert(session.connection, publication)
            mending = sessions.tasks.create_task(_mend(session.connection, publication), name=f"mend {camera}")
            stack.callback(mending.cancel)

        await sessions.answer(session, offer, stack, receive)
    return session


class _Diversion:
    """Stands where aiortc queues coded pictures for its own decoder, which then gets nothing but the end.

    aiortc's queue has no bound, its thread decodes what nobody will look at, and closing a connection waits for that
    thread on the event loop. Here the thread is told the end at once, and pictures never reach it.
    """

    def __init__(self, publication: Publication | None) -> None:
        """Give video to `publication`; without one, what comes is thrown away."""
        self._publication = publication

    def put(self, item: tuple[RTCRtpCodecParameters, JitterFrame] | None) -> None:
        """Take a coded picture on the event loop; None is the end, which the thread knows already."""
        if item is not None and self._publication is not None:
            codec, coded = item
            self._publication.put(CodedPicture(CODEC_NAMES[codec.mimeType.lower()], coded.data, coded.timestamp))

    def get(self) -> None:
        """Tell aiortc's decoder thread to end."""


def _divert(connection: RTCPeerConnection, publication: Publication) -> None:
    """Lead what `connection` receives past aiortc's decoders: video to `publication`, audio nowhere."""
    for receiver in connection.getReceivers():
        if not hasattr(receiver, _QUEUE):
            message = (
                "this version of aiortc receives in a way that livesal does not know; install one from 1.14 to 1.16"
            )
            raise StreamError(message)
        setattr(receiver, _QUEUE, _Diversion(publication if receiver.track.kind == "video" else None))


async def _mend(connection: RTCPeerConnection, publication: Publication) -> None:
    """Ask the publisher for a keyframe whenever one is wanted."""
    while True:
        await publication.keyframe_wanted.wait()
        publication.keyframe_wanted.clear()
        for receiver in connection.getReceivers():
            if receiver.track.kind == "video":
                await _ask_for_keyframe(receiver)
        await asyncio.sleep(_MENDING_PAUSE)


async def _ask_for_keyframe(receiver: RTCRtpReceiver) -> None:
    for source in receiver.getSynchronizationSources():
        await receiver._send_rtcp_pli(source.source)  # noqa: SLF001 - aiortc has no other way
