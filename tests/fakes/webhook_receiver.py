"""A real HTTP server that takes webhooks: it notes what it is sent and answers as it is told."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """The server.

    Attributes:
        url: where to post to.
        requests: what came.
        answers: statuses still to be given, in order; then 204.
        go: while it is cleared, nothing is answered.
    """

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
            body = await reader.readexactly(int(headers["content-length"]))
            self.requests.append(Received(headers, body))
            await self.go.wait()
            status = self.answers.pop(0) if self.answers else 204
            writer.write(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def webhook_receiver(*answers: int) -> AsyncIterator[Receiver]:
    """Serve on a free port of 127.0.0.1."""
    receiver = Receiver(answers=list(answers))
    receiver.go.set()
    handling: set[asyncio.Task[None]] = set()

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handling.add(task)
        await receiver.handle(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?token=hidden"
    try:
        yield receiver
    finally:
        server.close()
        receiver.go.set()
        await asyncio.gather(*handling, return_exceptions=True)
