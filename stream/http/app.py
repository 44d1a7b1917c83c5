"""All HTTP routes as one application."""

import mimetypes
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from configs.output import HttpSettings
from stream.backend import Backend
from stream.http.access import AccessControl, Keeper, session_router
from stream.http.api import api_router, health_router
from stream.http.cross_origin import CrossOrigin
from stream.http.problem import add_problem_handlers, document_problems
from stream.http.rate_limit import RateLimit
from stream.http.sse import EventStreams
from stream.http.whep import whep_router
from stream.http.whip import whip_router
from stream.metrics import Metrics
from stream.views import ViewHub
from stream.webrtc import WebRtcSessions

PREVIEW: Final = Path(__file__).parents[1] / "preview"
"""The page's files."""

_VERSION: Final = version("livesal")
_SUMMARY: Final = "Live video saliency that teaches itself the scene"

# The system's tables are read now: otherwise the first request for a file would read them on the event loop.
mimetypes.init()


Closer = Callable[[], Awaitable[None]]
"""Ends answers that have no end of their own."""


@dataclass(frozen=True, slots=True, eq=False)
class Extension:
    """Routes of a part of the service, and what ends their endless answers."""

    router: APIRouter
    close: Closer | None = None


class LiveSalApp(FastAPI):
    """The application, and what must end before its server waits for open connections."""

    def __init__(self, closers: Sequence[Closer]) -> None:
        """Make an application without routes; its server awaits all `closers` when it stops."""
        super().__init__(title="livesal", summary=_SUMMARY, version=_VERSION)
        self._closers = closers

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            document_problems(super().openapi())
        return super().openapi()

    async def on_stop(self) -> None:
        """End what would keep connections open."""
        for close in self._closers:
            await close()


def create_app(
    backend: Backend,
    hub: ViewHub,
    sessions: WebRtcSessions,
    metrics: Metrics,
    *,
    http: HttpSettings = HttpSettings(),  # noqa: B008 - immutable
    extensions: Sequence[Extension] = (),
) -> LiveSalApp:
    """Return the application; it reads nothing and starts nothing until it is served.

    Args:
        backend: the service that is shown.
        hub: its views.
        sessions: WebRTC viewers of the hub, and publishers.
        metrics: what `/metrics` shows.
        http: who may ask, and how often.
        extensions: further routes.
    """
    streams = EventStreams(backend)
    keeper = Keeper(http.tokens)
    app = LiveSalApp([streams.close, *(each.close for each in extensions if each.close is not None)])
    app.include_router(health_router(backend, metrics))
    app.include_router(api_router(backend, hub, streams))
    for extension in extensions:
        app.include_router(extension.router)
    app.include_router(session_router(keeper))
    app.include_router(whep_router(backend, sessions))
    app.include_router(whip_router(backend, sessions))

    @app.get("/", include_in_schema=False)
    async def preview() -> FileResponse:
        return FileResponse(PREVIEW / "index.html")

    @app.get("/publish", include_in_schema=False)
    async def publish() -> FileResponse:
        return FileResponse(PREVIEW / "publish.html")

    app.mount("/preview", StaticFiles(directory=PREVIEW, check_dir=False))
    # the last one added is the first to see a request: refusals carry the CORS headers too
    app.add_middleware(AccessControl, keeper=keeper)
    app.add_middleware(RateLimit, rate=http.rate_limit)
    app.add_middleware(CrossOrigin)
    add_problem_handlers(app)
    return app
