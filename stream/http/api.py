"""The JSON API: cameras, their timelines, keyframes and snapshots; the event stream; health and metrics."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from stream.backend import Backend, Timeline
from stream.errors import UnknownNameError
from stream.events import CameraState
from stream.http.answers import CameraStatus, Health, Keyframe, Order, camera_status, keyframe_list
from stream.http.problem import Problem, problem
from stream.http.sse import EventStreams
from stream.metrics import CONTENT_TYPE, Metrics
from stream.views import ViewHub

_JPEG: Final = "image/jpeg"
_PICTURE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {_JPEG: {}}, "description": "A JPEG picture"}}
_UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {404: {"model": Problem, "description": "No such camera"}}


def api_router(backend: Backend, hub: ViewHub, streams: EventStreams) -> APIRouter:
    """Return the routes below `/api`."""
    router = APIRouter(prefix="/api", tags=["API"], responses=_UNKNOWN)

    @router.get("/cameras")
    async def cameras() -> list[CameraStatus]:
        """List all cameras with their states and views."""
        return [_status(state, backend, hub) for state in backend.cameras()]

    @router.get("/cameras/{camera}")
    async def camera(camera: str) -> CameraStatus:
        """Show one camera with its state and views."""
        return _status(backend.camera(camera), backend, hub)

    @router.get("/cameras/{camera}/timeline")
    async def timeline(
        camera: str, since: Annotated[float, Query(description="Only what is newer than this unix time")] = 0.0
    ) -> Timeline:
        """Show the non-overlapping ratio and the adaptation over the last minutes."""
        whole = backend.timeline(camera)
        points = [point for point in whole.points if point.time > since]
        return replace(whole, points=points, marks=[mark for mark in whole.marks if mark.time > since])

    @router.get("/cameras/{camera}/keyframes")
    async def keyframes(camera: str) -> list[Keyframe]:
        """List the keyframes in the window, oldest first."""
        return keyframe_list(camera, backend.keyframes(camera))

    @router.get("/cameras/{camera}/keyframes/{number}.jpg", response_class=Response, responses=_PICTURE)
    async def keyframe(camera: str, number: int) -> Response:
        """Show the picture of one keyframe."""
        found = backend.keyframe(camera, number)
        if found is None:
            message = f"keyframe {number} is not in the window of '{camera}'; it may have been replaced"
            raise UnknownNameError(message)
        return Response(found.jpeg, media_type=_JPEG, headers={"Cache-Control": "max-age=86400"})

    @router.get("/cameras/{camera}/snapshot.jpg", response_class=Response, responses=_PICTURE)
    async def snapshot(camera: str, view: str = "overlay") -> Response:
        """Show the newest picture of a view."""
        picture = await hub.snapshot(camera, view)
        return Response(picture, media_type=_JPEG, headers={"Cache-Control": "no-store"})

    @router.post("/cameras/{camera}/adaptation", status_code=HTTPStatus.ACCEPTED)
    async def adaptation(camera: str, order: Order) -> Order:
        """Tell the adaptation: reset to the original, force a retraining, go on or off."""
        await backend.command(camera, order.command)
        return order

    @router.get("/events", response_class=StreamingResponse)
    async def events() -> StreamingResponse:
        """Stream everything that happens as server-sent events named region, adaptation and state."""
        return streams.response()

    return router


def _status(state: CameraState, backend: Backend, hub: ViewHub) -> CameraStatus:
    publishable = backend.inlet(state.camera) is not None
    return camera_status(state, hub.viewers(state.camera), publishable=publishable)


def health_router(backend: Backend, metrics: Metrics) -> APIRouter:
    """Return the routes for those who operate livesal."""
    router = APIRouter(tags=["Operation"])

    @router.get("/healthz")
    async def healthz() -> Health:
        """Say that the event loop answers."""
        return Health(status="alive")

    @router.get("/readiness", response_model=Health, responses={503: {"model": Problem}})
    async def readiness() -> Health | Response:
        """Say whether frames can be served."""
        if backend.ready():
            return Health(status="ready")
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "the networks are not loaded yet")

    @router.get("/metrics", response_class=Response)
    async def prometheus() -> Response:
        """Show all metrics in Prometheus' text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return router
