"""The past over HTTP: the history of events, their clips and pictures."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel
from starlette.responses import FileResponse, Response

from stream.errors import UnknownNameError
from stream.event_archive import EventArchive, Kept, Storage
from stream.history import entries
from stream.http.problem import Problem

_MOST: Final = 200
_FOR_EVER: Final = {"Cache-Control": "private, max-age=86400"}

_PICTURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"image/jpeg": {}}, "description": "A JPEG picture"}
}
_VIDEO: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"video/mp4": {}}, "description": "A video"},
    206: {"content": {"video/mp4": {}}, "description": "A part of it"},
    416: {"description": "There is no such part"},
}
_UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {404: {"model": Problem, "description": "No such event, or no file"}}

Moment = Annotated[float | None, Query(allow_inf_nan=False, description="Unix time")]
Name = Annotated[str | None, Query(max_length=200)]


class PastEvent(BaseModel):
    """An event of the past.

    `type` is `region`, or the kind of a step of the adaptation. `details` is what was told last: of a region, `after`
    of its last event. `clip` and `snapshot` are URLs, null where there is none.
    """

    id: str
    camera: str
    type: str
    start_time: float
    end_time: float | None
    zones: list[str]
    details: dict[str, Any]
    clip: str | None
    snapshot: str | None


class History(BaseModel):
    """A page of the history, newest first; `cursor` asks for the next one and is null on the last."""

    events: list[PastEvent]
    cursor: str | None


def history_router(archive: EventArchive) -> APIRouter:
    """Return the routes below `/api/events` that tell of the past."""
    router = APIRouter(prefix="/api/events", tags=["Events"])

    @router.get("/history", responses={400: {"model": Problem, "description": "No cursor of ours"}})
    async def history(
        camera: Name = None,
        type: Annotated[  # noqa: A002 - its name in the query
            str | None, Query(max_length=200, description="`region`, `adaptation`, or a kind such as `swapped`")
        ] = None,
        zone: Name = None,
        after: Moment = None,
        before: Moment = None,
        cursor: Annotated[str | None, Query(max_length=500, description="Of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
    ) -> History:
        """List past events, newest first."""
        try:
            position = entries.read_cursor(cursor) if cursor is not None else None
        except ValueError as error:
            raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from None
        query = entries.Query(
            camera=camera, type=type, zone=zone, after=after, before=before, position=position, limit=limit
        )
        page, kept = await archive.page(query)
        return History(
            events=[_past(entry, kept) for entry in page.entries],
            cursor=entries.write_cursor(page.position) if page.position else None,
        )

    @router.get("/storage")
    async def storage() -> Storage:
        """Say how keeping events is going: room, drops, and what is wrong."""
        return archive.storage()

    @router.get("/{event}/clip.mp4", response_class=FileResponse, responses=_VIDEO | _UNKNOWN)
    async def clip(event: str) -> FileResponse:
        """Play the video around an event; it is there some seconds after the event's end."""
        path = await archive.clip(event)
        if path is None:
            message = f"event '{event[:60]}' has no clip: it is not over yet, none was recorded, or it was deleted"
            raise UnknownNameError(message)
        return FileResponse(path, media_type="video/mp4", headers=_FOR_EVER)

    @router.get("/{event}/snapshot.jpg", response_class=Response, responses=_PICTURE | _UNKNOWN)
    async def snapshot(event: str) -> Response:
        """Show the frame in which an event was first told."""
        picture = await archive.picture(event)
        if picture is None:
            message = f"event '{event[:60]}' has no picture: there is no such event, or it was deleted"
            raise UnknownNameError(message)
        return Response(picture, media_type="image/jpeg", headers=_FOR_EVER)

    return router


def _past(entry: entries.Entry, kept: Kept) -> PastEvent:
    return PastEvent(
        id=entry.id,
        camera=entry.camera,
        type=entry.type,
        start_time=entry.start_time,
        end_time=entry.end_time,
        zones=list(entry.zones),
        details=dict(entry.details),
        clip=f"/api/events/{entry.id}/clip.mp4" if entry.id in kept.clips else None,
        snapshot=f"/api/events/{entry.id}/snapshot.jpg" if entry.id in kept.pictures else None,
    )
