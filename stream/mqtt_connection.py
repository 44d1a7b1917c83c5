"""One connection to an MQTT broker, from the handshake to the end, that leaves neither socket nor task behind."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

from configs.output import MqttSettings
from stream.errors import BrokerError
from stream.mqtt_topics import Message

_KEEPALIVE: Final = 20
"""Seconds after which a silent connection is probed."""

_COMMANDS_WAITING: Final = 100
"""Commands that may wait to be read; more are dropped by the library, which says so."""

_library_log = logging.getLogger(f"{__name__}.aiomqtt")
_library_log.setLevel(logging.ERROR)


class _TlsSocket(ssl.SSLSocket):
    """A socket that a failed handshake closes: paho leaves it to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the standard library's signature
        try:
            super().do_handshake(block)
        except (OSError, ValueError):
            self.close()
            raise


@asynccontextmanager
async def connected(
    settings: MqttSettings,
    client_id: str,
    will: Message,
    timeout: float,  # noqa: ASYNC109 - of each later call too
) -> AsyncIterator[aiomqtt.Client]:
    """Connect to the broker of `settings`, and disconnect at the end.

    Args:
        settings: where the broker is, and who we are to it.
        client_id: as the broker shall know us.
        will: what the broker publishes if the connection is lost.
        timeout: seconds that the broker has for each answer.

    Raises:
        BrokerError: it cannot be reached, refuses, or was lost; the message says which, and never a password.
    """
    context = await asyncio.to_thread(tls_context, settings) if settings.encrypted else None
    client = aiomqtt.Client(
        settings.host or "",
        settings.port,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        identifier=client_id,
        will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain),
        timeout=timeout,
        keepalive=_KEEPALIVE,
        max_queued_incoming_messages=_COMMANDS_WAITING,
        tls_context=context,
        logger=_library_log,
    )
    problem = ""
    try:
        await _enter(client)
        try:
            yield client
        finally:
            await client.__aexit__(None, None, None)
    except* (aiomqtt.MqttError, OSError, UnicodeError) as group:
        problem = _reason(group)  # what is raised here would leave in a group
    if problem:
        raise BrokerError(problem)


def tls_context(settings: MqttSettings) -> ssl.SSLContext:
    """Return what TLS connections to the broker of `settings` are made by.

    Raises:
        BrokerError: a file is missing or is no certificate or key; the message names it.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca)
        context.sslsocket_class = _TlsSocket
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(file) for file in (settings.ca, settings.certificate, settings.key) if file)
        message = f"cannot use the TLS files {files}: {error.strerror or error}; check mqtt.ca, .certificate and .key"
        raise BrokerError(message) from None
    if settings.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _enter(client: aiomqtt.Client) -> None:
    """Connect `client`.

    The library cannot be cancelled while it connects: its thread goes on and its socket stays. So that is waited for;
    and a broker that took the connection but never answered has to be left by hand.
    """
    entering = asyncio.create_task(client.__aenter__(), name="mqtt-connect")  # a group would cancel it
    try:
        await asyncio.shield(entering)
    except BaseException:
        with suppress(aiomqtt.MqttError, OSError, UnicodeError):
            await entering
        client.timeout = 0.0
        with suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)
        raise


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MqttConnectError):
        return f"it refuses the connection ({error}); check mqtt.username, mqtt.password and mqtt.client_id"
    return str(error) or type(error).__name__
