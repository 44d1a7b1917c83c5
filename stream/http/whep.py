"""WHEP (draft-ietf-wish-whep): each view of each camera is an endpoint, each viewer a session below it."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from stream.backend import Backend
from stream.errors import NoSignalError
from stream.http.sdp_exchange import SDP, add_description, add_sessions, body, created, read, refuse_type
from stream.offer import read_offer
from stream.sessions import Session
from stream.webrtc import WebRtcSessions

_ENDPOINT: Final = "/cameras/{camera}/{view}/whep"


def whep_router(backend: Backend, sessions: WebRtcSessions) -> APIRouter:
    """Return the routes of all WHEP endpoints and sessions."""
    router = APIRouter(tags=["WHEP"])

    @router.post(_ENDPOINT, status_code=HTTPStatus.CREATED, openapi_extra=body(SDP, "The player's offer"))
    async def watch(camera: str, view: str, request: Request) -> Response:
        """Answer a player's offer (recvonly video) and send it the view."""
        sessions.check(camera, view)
        if refusal := refuse_type(request, SDP, "Accept-Post"):
            return refusal
        offer = read_offer(await read(request), sessions.settings.codecs)
        if backend.camera(camera).source != "up":
            message = f"camera '{camera}' is {backend.camera(camera).source}: there is no live source now"
            raise NoSignalError(message)
        session = await sessions.open(camera, view, offer)
        return created(session, f"/cameras/{camera}/{view}/whep", sessions.settings.ice_servers)

    async def check(camera: str, view: str) -> None:
        sessions.check(camera, view)

    async def find(camera: str, view: str, session: str) -> Session:
        return sessions.named(session, camera, view)

    add_description(router, _ENDPOINT, check)
    add_sessions(router, _ENDPOINT + "/{session}", find, sessions)
    return router
