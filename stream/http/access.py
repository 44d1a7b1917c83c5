"""Who may ask: bearer tokens, and a cookie for the page, whose pictures and event streams cannot carry a header.

RFC 6750. Where no token is set, everybody may ask, which is for loopback only.
"""

import hmac
import secrets
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from stream.http.problem import problem

COOKIE: Final = "livesal"
_OPEN: Final = ("/", "/publish", "/healthz", "/readiness", "/api/session")
_OPEN_BELOW: Final = "/preview/"
_MOST_SESSIONS: Final = 1000
"""Pages signed in at once; beyond that the oldest has to sign in again."""


class Keeper:
    """Knows the tokens, and the pages that have shown one."""

    def __init__(self, tokens: Sequence[SecretStr] = ()) -> None:
        """Let in who shows one of `tokens`; everybody if there are none."""
        self._tokens = tuple(token.get_secret_value().encode() for token in tokens)
        self._sessions: dict[str, None] = {}

    @property
    def open(self) -> bool:
        """Whether everybody may ask."""
        return not self._tokens

    def knows(self, headers: Headers) -> bool:
        """Return whether a request with `headers` may pass."""
        return self.open or self.trusts(headers) or self._cookie(headers) in self._sessions

    def trusts(self, headers: Headers) -> bool:
        """Return whether `headers` carry a right token; how long that takes tells nothing about the tokens."""
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        given = shown.strip().encode()
        matches = [hmac.compare_digest(given, token) for token in self._tokens]
        return scheme.lower() == "bearer" and any(matches)

    def sign_in(self) -> str:
        """Return the cookie's value for a page that has shown a token."""
        session = secrets.token_urlsafe(32)
        self._sessions[session] = None
        if len(self._sessions) > _MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return session

    def sign_out(self, headers: Headers) -> None:
        """Forget the page that sent `headers`."""
        self._sessions.pop(self._cookie(headers), None)

    def _cookie(self, headers: Headers) -> str:
        return cookie_parser(headers.get("cookie", "")).get(COOKIE, "")


class AccessControl:
    """Answers 401 to whom the keeper does not know."""

    def __init__(self, app: ASGIApp, keeper: Keeper) -> None:
        """Wrap `app`."""
        self._app = app
        self._keeper = keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or self._passes(scope):
            await self._app(scope, receive, send)
            return
        answer = unauthorised("this needs a token: send 'Authorization: Bearer TOKEN', one of http.tokens")
        await answer(scope, receive, send)

    def _passes(self, scope: Scope) -> bool:
        path = scope["path"]
        preflight = scope["method"] == "OPTIONS"
        return preflight or path in _OPEN or path.startswith(_OPEN_BELOW) or self._keeper.knows(Headers(scope=scope))


def unauthorised(detail: str) -> Response:
    """Return a 401 that says how to be let in."""
    return problem(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": 'Bearer realm="livesal"'})


def session_router(keeper: Keeper) -> APIRouter:
    """Return the routes by which a page signs in and out."""
    router = APIRouter(prefix="/api/session", tags=["Operation"])

    @router.get("", status_code=HTTPStatus.NO_CONTENT, responses={401: {}})
    async def signed_in(request: Request) -> Response:
        """Say whether this browser may ask."""
        if keeper.knows(request.headers):
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return unauthorised("sign in: POST here with 'Authorization: Bearer TOKEN'")

    @router.post("", status_code=HTTPStatus.NO_CONTENT, responses={401: {}})
    async def sign_in(request: Request) -> Response:
        """Show a token, and get a cookie that stands for it until livesal ends."""
        if keeper.open:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        if not keeper.trusts(request.headers):
            return unauthorised("that token is none of http.tokens")
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, keeper.sign_in(), httponly=True, samesite="strict", secure=secure)
        return answer

    @router.delete("", status_code=HTTPStatus.NO_CONTENT)
    async def sign_out(request: Request) -> Response:
        """Take the cookie back."""
        keeper.sign_out(request.headers)
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
        answer.delete_cookie(COOKIE)
        return answer

    return router
