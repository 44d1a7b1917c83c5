"""MJPEG: a view as an endless `multipart/x-mixed-replace` answer, for whatever shows pictures but speaks no WebRTC."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from stream.http.problem import Problem
from stream.mjpeg import MjpegStreams, Still

BOUNDARY: Final = "livesal-picture"
MEDIA_TYPE: Final = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"multipart/x-mixed-replace": {}}, "description": "JPEG pictures, as they come, without an end"},
    404: {"model": Problem, "description": "No such camera or view"},
    503: {"model": Problem, "description": "Too many viewers"},
}


def mjpeg_router(streams: MjpegStreams) -> APIRouter:
    """Return the routes of all MJPEG streams."""
    router = APIRouter(tags=["API"])

    @router.get("/cameras/{camera}/{view}.mjpeg", response_class=Response, responses=_ANSWERS)
    async def watch(camera: str, view: str) -> StreamingResponse:
        """Show a view as JPEG pictures one after the other; a slow client misses pictures."""
        streams.check(camera, view)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_parts(streams, camera, view), headers=headers, media_type=MEDIA_TYPE)

    return router


def part(still: Still) -> bytes:
    """Return one picture in the wire format; its media time stands beside it."""
    time = "" if still.media_time is None else f"X-Livesal-Media-Time: {still.media_time:.6f}\r\n"
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(still.jpeg)}\r\n{time}\r\n"
    return head.encode() + still.jpeg + b"\r\n"


async def _parts(streams: MjpegStreams, camera: str, view: str) -> AsyncIterator[bytes]:
    async with aclosing(streams.stream(camera, view)) as stills:
        async for still in stills:
            yield part(still)
    yield f"--{BOUNDARY}--\r\n".encode()
