"""CORS: players and publishers of any origin may use WHEP and WHIP; nothing else is shared."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "OPTIONS, GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Expose-Headers": "ETag, Link, Location, Accept-Patch",
    "Access-Control-Max-Age": "86400",
}


class CrossOrigin:
    """Adds the CORS headers to every answer of a WHEP or WHIP path, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not _is_shared(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _is_shared(path: str) -> bool:
    """Return whether `path` is `/cameras/CAMERA/VIEW/whep` or `/cameras/CAMERA/whip`, or below one of them."""
    match path.strip("/").split("/"):
        case ["cameras", _, "whip", *_] | ["cameras", _, _, "whep", *_]:
            return True
        case _:
            return False
