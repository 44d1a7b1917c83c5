"""An MQTT broker inside livesal, so that a demonstration needs no other program."""

import asyncio
import errno
import logging
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from amqtt.broker import Broker

from stream.errors import BrokerError

_CONFIG: Final[dict[str, Any]] = {
    "listeners": {"default": {"type": "external", "bind": "external"}},
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}
"""The broker does not listen by itself: we do, so that a port in use is our error and a free port is known."""


class EmbeddedBroker:
    """`amqtt`, listening on one address without credentials: MQTT 3.1.1, retained messages, last will.

    What it retains is lost with it. It is meant for the loopback interface.

    Attributes:
        host: the address.
        port: the port; a free one once it runs, where 0 was asked for.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Make a broker that does not run yet; 0 takes a free port."""
        self.host = host
        self.port = port
        self._broker: Broker | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Start listening.

        Raises:
            BrokerError: the port is in use, or the address is not one of this machine.
        """
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.ERROR)
        broker = Broker(_CONFIG)
        await broker.start()
        try:
            connected = partial(broker.stream_connected, listener_name="default")
            self._server = await asyncio.start_server(connected, self.host, self.port)
        except OSError as error:
            await broker.shutdown()
            raise BrokerError(self._explain(error)) from None
        self._broker = broker
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is None or self._broker is None:
            return
        self._server.close()
        await self._broker.shutdown()
        await self._server.wait_closed()

    def _explain(self, error: OSError) -> str:
        if error.errno == errno.EADDRINUSE:
            return (
                f"the embedded MQTT broker cannot listen on {self.host}:{self.port}: the port is in use. "
                "Is a broker running already? Use it (mqtt.host), or take port 0 for a free one"
            )
        return f"the embedded MQTT broker cannot listen on {self.host}:{self.port}: {error.strerror or error}"
