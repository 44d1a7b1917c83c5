"""The HTTP server: uvicorn inside our own event loop and task group."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from types import TracebackType
from typing import Final, Self

import uvicorn

from configs.output import HttpSettings
from stream.errors import AddressInUseError, StreamError
from stream.http.app import LiveSalApp

_GRACE: Final = 2
_BACKLOG: Final = 128


class HttpServer:
    """Serves an application for the length of its `async with` block."""

    def __init__(self, app: LiveSalApp, settings: HttpSettings) -> None:
        """Make a server that listens nowhere yet."""
        self.url = ""
        self._app = app
        self._settings = settings
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            AddressInUseError: the port is taken.
            StreamError: the certificate cannot be used.
            OSError: the address cannot be listened on.
        """
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_GRACE,
            server_header=False,
            ssl_certfile=self._settings.certificate,
            ssl_keyfile=self._settings.key,
        )
        await asyncio.to_thread(_load, config)
        listener = _listen(self._settings)
        self._stack.callback(listener.close)
        self.url = _url(listener, self._settings)
        server = _Server(config)
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        tasks.create_task(server.serve([listener]), name="serve HTTP")
        self._stack.push_async_callback(server.stop, self._app)
        await server.ready.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()  # an error elsewhere is no reason to leave answers half sent


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals to us and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def stop(self, app: LiveSalApp) -> None:
        await app.on_stop()
        self.should_exit = True


def _listen(settings: HttpSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message = (
                f"port {settings.port} of {settings.host} is in use by another program: "
                f"end it, or choose another http.port (0 takes a free one)"
            )
            raise AddressInUseError(message) from None
        message = f"cannot listen on {settings.host}:{settings.port} ({error.strerror}): choose another http.host"
        raise StreamError(message) from None
    listener.setblocking(False)  # noqa: FBT003 - the signature is the standard library's
    return listener


def _load(config: uvicorn.Config) -> None:
    """Read the certificate.

    Raises:
        StreamError: it cannot be used.
    """
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        message = f"cannot serve HTTPS with {config.ssl_certfile} and {config.ssl_keyfile}: {error.strerror or error}"
        raise StreamError(message) from None


def _url(listener: socket.socket, settings: HttpSettings) -> str:
    """Return where a person finds the page: an address that means "all" is shown as this machine."""
    host, scheme = settings.host, "http" if settings.certificate is None else "https"
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - not bound to here
    port = listener.getsockname()[1]
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"
