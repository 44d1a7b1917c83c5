"""WHIP (RFC 9725): each `whip://` camera is an endpoint, its publisher a session below it."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from stream.backend import Backend
from stream.errors import UnknownNameError
from stream.http.sdp_exchange import SDP, add_description, add_sessions, body, created, read, refuse_type
from stream.inlet import Inlet
from stream.publisher_offer import read_publisher_offer
from stream.publishing import publish
from stream.sessions import Session, Sessions

_ENDPOINT: Final = "/cameras/{camera}/whip"


def whip_router(backend: Backend, sessions: Sessions) -> APIRouter:
    """Return the routes of all WHIP endpoints and sessions."""
    router = APIRouter(tags=["WHIP"])

    def inlet(camera: str) -> Inlet:
        found = backend.inlet(camera)
        if found is None:
            message = f"camera '{camera}' takes no publisher: its url is not whip://"
            raise UnknownNameError(message)
        return found

    @router.post(_ENDPOINT, status_code=HTTPStatus.CREATED, openapi_extra=body(SDP, "The publisher's offer"))
    async def receive(camera: str, request: Request) -> Response:
        """Answer a publisher's offer (sendonly video) and take what it sends for the camera's pictures."""
        place = inlet(camera)
        if refusal := refuse_type(request, SDP, "Accept-Post"):
            return refusal
        offer = read_publisher_offer(await read(request))
        session = await publish(sessions, camera, place, offer)
        return created(session, f"/cameras/{camera}/whip", sessions.settings.ice_servers)

    async def check(camera: str) -> None:
        inlet(camera)

    async def find(camera: str, session: str) -> Session:
        return sessions.named(session, camera)

    add_description(router, _ENDPOINT, check)
    add_sessions(router, _ENDPOINT + "/{session}", find, sessions)
    return router
