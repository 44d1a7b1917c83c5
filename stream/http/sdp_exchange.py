"""What WHEP and WHIP share over HTTP: endpoints that describe themselves, and sessions below them."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from configs.webrtc import IceServerSettings
from stream.http.problem import problem
from stream.ice import link_headers
from stream.offer import MAXIMUM_BYTES, read_candidates
from stream.sessions import Session, Sessions

SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"


def body(media_type: str, description: str) -> dict[str, object]:
    """Return how the OpenAPI document tells of a request's body."""
    content = {media_type: {"schema": {"type": "string", "description": description}}}
    return {"requestBody": {"required": True, "content": content}}


def refuse_type(request: Request, expected: str, header: str) -> Response | None:
    """Return a 415, which says by `header` what is right, unless the request's content type is the expected one."""
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found == expected:
        return None
    detail = f"the content type is '{found or 'missing'}'; send {expected}"
    return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, {header: expected})


async def read(request: Request) -> bytes:
    """Return the body, or what of it is one byte over the limit, which no parser then takes."""
    received = bytearray()
    async for part in request.stream():
        received += part
        if len(received) > MAXIMUM_BYTES:
            break
    return bytes(received)


def created(session: Session, endpoint: str, ice_servers: Sequence[IceServerSettings]) -> Response:
    """Return the 201 of a new session at `endpoint`: our answer, its address, and the ICE servers to use."""
    headers = {"Location": f"{endpoint}/{session.id}", "ETag": session.etag, "Accept-Patch": FRAGMENT}
    answer = Response(session.answer, HTTPStatus.CREATED, headers, SDP)
    for link in link_headers(ice_servers):
        answer.headers.append("Link", link)
    return answer


def add_description(router: APIRouter, endpoint: str, check: Callable[..., Awaitable[None]]) -> None:
    """Add what an endpoint says of itself.

    Args:
        router: gets the routes.
        endpoint: its path; its parameters are those of `check`.
        check: raises `UnknownNameError` where there is no such endpoint.
    """
    there = [Depends(check)]

    @router.get(endpoint, status_code=HTTPStatus.NO_CONTENT, dependencies=there)
    async def look() -> Response:
        """Say that the endpoint is there, without content."""
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.head(endpoint, dependencies=there, response_class=Response, responses={200: {"content": {SDP: {}}}})
    async def head() -> Response:
        """Say what the endpoint speaks."""
        return Response(media_type=SDP)

    @router.options(endpoint, include_in_schema=False)
    async def options() -> Response:
        """Say what an endpoint accepts; also the answer to a browser's preflight, which shows no token.

        So it tells nobody which endpoints there are; and a page elsewhere gets to read the 404 that follows.
        """
        return Response(headers={"Accept-Post": SDP})


def add_sessions(router: APIRouter, path: str, find: Callable[..., Awaitable[Session]], sessions: Sessions) -> None:
    """Add what can be done with a session: late candidates, its end, and the question whether it is there.

    Args:
        router: gets the routes.
        path: of a session; its parameters are those of `find`.
        find: returns the session, or raises `UnknownNameError`.
        sessions: where it belongs.
    """

    @router.patch(path, status_code=HTTPStatus.NO_CONTENT, openapi_extra=body(FRAGMENT, "Candidates"))
    async def trickle(
        session: Annotated[Session, Depends(find)], request: Request, if_match: Annotated[str | None, Header()] = None
    ) -> Response:
        """Take a peer's late candidates."""
        if refusal := refuse_type(request, FRAGMENT, "Accept-Patch"):
            return refusal
        if if_match is None:
            return problem(HTTPStatus.PRECONDITION_REQUIRED, f"send the session's ETag: If-Match: {session.etag}")
        if if_match == "*":
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "ICE restarts are not supported: open a new session")
        if session.etag not in [tag.strip() for tag in if_match.split(",")]:
            return problem(HTTPStatus.PRECONDITION_FAILED, f"{if_match} is not this session's ETag")
        await sessions.trickle(session, *read_candidates(await read(request)))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.options(path, include_in_schema=False)
    async def options() -> Response:
        """Say what a session accepts; also the answer to a browser's preflight."""
        return Response(headers={"Accept-Patch": FRAGMENT})

    @router.delete(path)
    async def leave(session: Annotated[Session, Depends(find)]) -> Response:
        """End a session."""
        sessions.close(session)
        return Response(status_code=HTTPStatus.OK)

    @router.get(path, status_code=HTTPStatus.NO_CONTENT)
    @router.head(path, status_code=HTTPStatus.NO_CONTENT, include_in_schema=False)
    async def session_exists(session: Annotated[Session, Depends(find)]) -> Response:
        """Say that the session is there, without content."""
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"ETag": session.etag})
