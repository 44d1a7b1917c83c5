"""A tiny HTTP server: static files, and an endless MJPEG stream as IP cameras send it."""

import asyncio
import mimetypes
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Answer = Callable[[str, StreamWriter], Awaitable[None]]
"""Answers a request for a path by writing to the connection."""


@asynccontextmanager
async def web_server(answer: Answer) -> AsyncIterator[str]:
    """Serve on a free port of 127.0.0.1; yield `127.0.0.1:PORT`."""

    handling: set[asyncio.Task[None]] = set()

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handling.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            await answer(request.split()[1], writer)
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*handling, return_exceptions=True)


def files(contents: dict[str, bytes]) -> Answer:
    """Answer each path with its contents, others with 404."""

    async def answer(path: str, writer: StreamWriter) -> None:
        body = contents.get(path)
        status = "404 Not Found" if body is None else "200 OK"
        kind = mimetypes.guess_type(path)[0] or ("text/html" if path.endswith("/") else "application/octet-stream")
        head = f"Content-Type: {kind}\r\nContent-Length: {len(body or b'')}\r\nConnection: close"
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n\r\n".encode())
        writer.write(body or b"")

    return answer


def mjpeg(pictures: AsyncIterator[bytes]) -> Answer:
    """Answer with the JPEG `pictures` as a multipart stream; it ends when they do."""

    async def answer(_: str, writer: StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n")
        async for picture in pictures:
            writer.write(f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode())
            writer.write(picture + b"\r\n")
            await writer.drain()

    return answer
