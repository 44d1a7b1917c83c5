"""Errors as RFC 9457 `application/problem+json`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from configs.errors import CameraExistsError, ConfigError, NotKeptError, PinnedError
from stream.errors import (
    CameraTakenError,
    NoSignalError,
    SessionError,
    SourceError,
    StreamError,
    TooManyViewersError,
    UnknownNameError,
    UnplayableOfferError,
)
from stream.redaction import redact_text

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
    SourceError: HTTPStatus.UNPROCESSABLE_ENTITY,  # of a configuration; those of a running camera never get here
}
_CONFIG_STATUS: Final[dict[type[ConfigError], HTTPStatus]] = {
    CameraExistsError: HTTPStatus.CONFLICT,
    PinnedError: HTTPStatus.CONFLICT,
    NotKeptError: HTTPStatus.INSUFFICIENT_STORAGE,
    ConfigError: HTTPStatus.UNPROCESSABLE_ENTITY,
}
_PASSING: Final = {HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE}


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""


def problem(
    status: HTTPStatus, detail: str = "", headers: Mapping[str, str] | None = None, *, passing: bool = True
) -> Response:
    """Return a problem response; one that is `passing` and has a status for that says when to try again."""
    content = Problem(title=status.phrase, status=status, detail=detail).model_dump_json()
    again = {"Retry-After": str(RETRY_AFTER)} if passing and status in _PASSING else {}
    return Response(content, status, {**again, **(headers or {})}, MEDIA_TYPE)


def document_problems(document: dict[str, Any]) -> None:
    """Tell in an OpenAPI document that every error, named or not, is a problem response."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components["Problem"] = Problem.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            answers["default"] = {"description": "Anything that went wrong"}
            for status, answer in answers.items():
                if not status.startswith(("2", "3")):
                    answer["content"] = content


def add_problem_handlers(app: FastAPI) -> None:
    """Make every error of `app` a problem response."""

    @app.exception_handler(StreamError)
    async def on_stream_error(_: Request, error: StreamError) -> Response:
        for kind, status in _STATUS.items():
            if isinstance(error, kind):
                return problem(status, str(error))
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))

    @app.exception_handler(ConfigError)
    async def on_config_error(_: Request, error: ConfigError) -> Response:
        status = next(status for kind, status in _CONFIG_STATUS.items() if isinstance(error, kind))
        return problem(status, redact_text(str(error)), passing=False)

    @app.exception_handler(HTTPException)
    async def on_http_error(_: Request, error: HTTPException) -> Response:
        return problem(HTTPStatus(error.status_code), str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        found = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, found)
