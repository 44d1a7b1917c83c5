"""Errors as RFC 9457 `application/problem+json`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from stream.errors import (
    CameraTakenError,
    NoSignalError,
    SessionError,
    StreamError,
    TooManyViewersError,
    UnknownNameError,
    UnplayableOfferError,
)

MEDIA_TYPE: Final = "application/problem+json"

RETRY_AFTER: Final = 2
"""Seconds after which it is worth to ask again for what is not there now."""

_STATUS: Final[dict[type[StreamError], HTTPStatus]] = {
    UnknownNameError: HTTPStatus.NOT_FOUND,
    UnplayableOfferError: HTTPStatus.UNPROCESSABLE_ENTITY,
    SessionError: HTTPStatus.BAD_REQUEST,
    NoSignalError: HTTPStatus.CONFLICT,
    CameraTakenError: HTTPStatus.CONFLICT,
    TooManyViewersError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_PASSING: Final = {HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE}


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""


def problem(status: HTTPStatus, detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem response; one that will pass says when to try again."""
    content = Problem(title=status.phrase, status=status, detail=detail).model_dump_json()
    passing = {"Retry-After": str(RETRY_AFTER)} if status in _PASSING else {}
    return Response(content, status, {**passing, **(headers or {})}, MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Make every error of `app` a problem response."""

    @app.exception_handler(StreamError)
    async def on_stream_error(_: Request, error: StreamError) -> Response:
        for kind, status in _STATUS.items():
            if isinstance(error, kind):
                return problem(status, str(error))
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))

    @app.exception_handler(HTTPException)
    async def on_http_error(_: Request, error: HTTPException) -> Response:
        return problem(HTTPStatus(error.status_code), str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        found = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, found)
