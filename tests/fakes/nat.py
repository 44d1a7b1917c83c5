"""A 1:1 NAT: what reaches a port of an outer address goes to the same port of an inner one, and back."""

import asyncio
from asyncio import DatagramProtocol, DatagramTransport
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class _Outer(DatagramProtocol):
    """The outer side: it keeps a socket on the inner side for each peer, as a NAT keeps its mappings."""

    def __init__(self, inner: tuple[str, int]) -> None:
        self.passed = 0
        self._inner = inner
        self._transport: DatagramTransport
        self._mappings: dict[Any, asyncio.Task[DatagramTransport]] = {}

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if addr not in self._mappings:
            self._mappings[addr] = asyncio.get_running_loop().create_task(self._map(addr), name=f"map {addr}")
        self._mappings[addr].add_done_callback(lambda mapped: mapped.result().sendto(data, self._inner))

    def answer(self, data: bytes, peer: Any) -> None:
        self.passed += 1
        self._transport.sendto(data, peer)

    async def close(self) -> None:
        self._transport.close()
        for mapped in self._mappings.values():
            (await mapped).close()

    async def _map(self, peer: Any) -> DatagramTransport:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Inner(self, peer), local_addr=(self._inner[0], 0)
        )
        return transport


class _Inner(DatagramProtocol):
    def __init__(self, outer: _Outer, peer: Any) -> None:
        self._outer = outer
        self._peer = peer

    def datagram_received(self, data: bytes, addr: Any) -> None:
        del addr
        self._outer.answer(data, self._peer)


@asynccontextmanager
async def nat(outer: str, inner: tuple[str, int]) -> AsyncIterator[_Outer]:
    """Map `outer`, at the port of `inner`, to `inner`."""
    _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Outer(inner), local_addr=(outer, inner[1])
    )
    try:
        yield protocol
    finally:
        await protocol.close()
