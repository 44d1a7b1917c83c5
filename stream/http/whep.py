"""WHEP (draft-ietf-wish-whep): each view of each camera is an endpoint, each viewer a session below it."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from stream.backend import Backend
from stream.errors import NoSignalError
from stream.http.problem import problem
from stream.ice import link_headers
from stream.offer import MAXIMUM_BYTES, read_candidates, read_offer
from stream.webrtc import WebRtcSessions

SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"
_ENDPOINT: Final = "/cameras/{camera}/{view}/whep"
_SESSION: Final = _ENDPOINT + "/{session}"
_CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "OPTIONS, GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Expose-Headers": "ETag, Link, Location, Accept-Patch",
    "Access-Control-Max-Age": "86400",
}


def whep_router(backend: Backend, sessions: WebRtcSessions) -> APIRouter:
    """Return the routes of all WHEP endpoints and sessions."""
    router = APIRouter(tags=["WHEP"])
    _add_endpoints(router, backend, sessions)
    _add_sessions(router, sessions)
    return router


def _add_endpoints(router: APIRouter, backend: Backend, sessions: WebRtcSessions) -> None:
    links = link_headers(sessions.settings.ice_servers)

    @router.post(_ENDPOINT, status_code=HTTPStatus.CREATED, openapi_extra=_body(SDP, "The player's offer"))
    async def watch(camera: str, view: str, request: Request) -> Response:
        """Answer a player's offer (recvonly video) and send it the view."""
        sessions.check(camera, view)
        if refusal := _refuse_type(request, SDP, "Accept-Post"):
            return refusal
        offer = read_offer(await _read(request), sessions.settings.codecs)
        if backend.camera(camera).source != "up":
            message = f"camera '{camera}' is {backend.camera(camera).source}: there is no live source now"
            raise NoSignalError(message)
        session = await sessions.open(camera, view, offer)
        headers = {
            "Location": f"/cameras/{camera}/{view}/whep/{session.id}",
            "ETag": session.etag,
            "Accept-Patch": FRAGMENT,
        }
        answer = Response(session.answer, HTTPStatus.CREATED, headers, SDP)
        for link in links:
            answer.headers.append("Link", link)
        return answer

    @router.get(_ENDPOINT, status_code=HTTPStatus.NO_CONTENT)
    async def look(camera: str, view: str) -> Response:
        """Say that the endpoint is there, without content."""
        sessions.check(camera, view)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.head(_ENDPOINT)
    async def head(camera: str, view: str) -> Response:
        """Say what the endpoint speaks."""
        sessions.check(camera, view)
        return Response(media_type=SDP)

    @router.options(_ENDPOINT)
    async def options(camera: str, view: str) -> Response:
        """Say what an endpoint accepts; also the answer to a browser's preflight, which shows no token.

        It tells nobody which cameras there are, and a page elsewhere gets to read the 404 that follows.
        """
        del camera, view
        return Response(headers={"Accept-Post": SDP})


def _add_sessions(router: APIRouter, sessions: WebRtcSessions) -> None:
    @router.patch(_SESSION, status_code=HTTPStatus.NO_CONTENT, openapi_extra=_body(FRAGMENT, "Candidates"))
    async def trickle(
        camera: str, view: str, session: str, request: Request, if_match: Annotated[str | None, Header()] = None
    ) -> Response:
        """Take a player's late candidates."""
        found = sessions.get(camera, view, session)
        if refusal := _refuse_type(request, FRAGMENT, "Accept-Patch"):
            return refusal
        if if_match is None:
            return problem(HTTPStatus.PRECONDITION_REQUIRED, f"send the session's ETag: If-Match: {found.etag}")
        if if_match == "*":
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "ICE restarts are not supported: open a new session")
        if found.etag not in [tag.strip() for tag in if_match.split(",")]:
            return problem(HTTPStatus.PRECONDITION_FAILED, f"{if_match} is not this session's ETag")
        await sessions.trickle(found, *read_candidates(await _read(request)))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.options(_SESSION)
    async def options(camera: str, view: str, session: str) -> Response:
        """Say what a session accepts; also the answer to a browser's preflight."""
        del camera, view, session
        return Response(headers={"Accept-Patch": FRAGMENT})

    @router.delete(_SESSION)
    async def leave(camera: str, view: str, session: str) -> Response:
        """End a session."""
        sessions.close(sessions.get(camera, view, session))
        return Response(status_code=HTTPStatus.OK)

    @router.get(_SESSION, status_code=HTTPStatus.NO_CONTENT)
    @router.head(_SESSION, status_code=HTTPStatus.NO_CONTENT, include_in_schema=False)
    async def session_exists(camera: str, view: str, session: str) -> Response:
        """Say that the session is there, without content."""
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"ETag": sessions.get(camera, view, session).etag})


def cross_origin_headers(path: str) -> dict[str, str]:
    """Return the CORS headers of a path: players of any origin may use WHEP, nothing else is shared."""
    parts = path.strip("/").split("/")
    return _CORS if len(parts) >= 4 and parts[0] == "cameras" and parts[3] == "whep" else {}


def _body(media_type: str, description: str) -> dict[str, object]:
    content = {media_type: {"schema": {"type": "string", "description": description}}}
    return {"requestBody": {"required": True, "content": content}}


def _refuse_type(request: Request, expected: str, header: str) -> Response | None:
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found == expected:
        return None
    detail = f"the content type is '{found or 'missing'}'; send {expected}"
    return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, {header: expected})


async def _read(request: Request) -> bytes:
    """Return the body, or what of it is one byte over the limit, which no parser then takes."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAXIMUM_BYTES:
            break
    return bytes(body)
