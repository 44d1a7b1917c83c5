"""The ways through the network: STUN and TURN servers, and addresses that only others can see."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from aiortc import RTCConfiguration, RTCIceServer
from aiortc.sdp import candidate_from_sdp, candidate_to_sdp

from configs.webrtc import IceServerSettings

_PREFIX: Final = "a=candidate:"
_PREFERENCE_STEP: Final = 1 << 8
"""What one step of local preference weighs in a candidate's priority (RFC 8445, 5.1.2.1)."""
_FOUNDATION: Final = 32
"""Most letters of a foundation (RFC 8839, 5.1)."""


def configuration(servers: Sequence[IceServerSettings]) -> RTCConfiguration:
    """Return a configuration with `servers`, of which aiortc asks the first STUN and the first TURN server.

    Without any, nothing outside is asked: aiortc's own default is a public server. Its bundle policy stays as it is: an
    offer's media are bundled as it asks; under `max-bundle` aiortc 1.16 closes the transport where audio comes first.
    """
    return RTCConfiguration(
        iceServers=[
            RTCIceServer(
                urls=server.url,
                username=server.username,
                credential=server.credential.get_secret_value() if server.credential else None,
            )
            for server in servers
        ]
    )


def link_headers(servers: Sequence[IceServerSettings]) -> list[str]:
    """Return a `Link` header for each server (RFC 9725, 4.6), which tells players to use it too."""
    links = []
    for server in servers:
        parameters = {"rel": "ice-server"}
        if server.username is not None and server.credential is not None:
            parameters["username"] = server.username
            parameters["credential"] = server.credential.get_secret_value()
            parameters["credential-type"] = "password"
        quoted = [f"{name}={_quote(value)}" for name, value in parameters.items()]
        links.append("; ".join([f"<{server.url}>", *quoted]))
    return links


def advertise(description: str, hosts: Sequence[IPv4Address | IPv6Address]) -> str:
    """Return an SDP in which each host candidate is followed by ones at `hosts` with the same port.

    A host of the other IP version than the candidate's is left out.
    """
    lines = []
    for line in description.splitlines(keepends=True):
        lines.append(line)
        if line.startswith(_PREFIX):
            lines += [f"{_PREFIX}{other}\r\n" for other in _elsewhere(line.removeprefix(_PREFIX).strip(), hosts)]
    return "".join(lines)


def _elsewhere(line: str, hosts: Sequence[IPv4Address | IPv6Address]) -> list[str]:
    candidate = candidate_from_sdp(line)
    if candidate.type != "host":
        return []
    own = ip_address(candidate.ip)
    others = [host for host in hosts if host.version == own.version and host != own]
    found = []
    for number, host in enumerate(others):
        candidate.ip, candidate.foundation = str(host), f"{number}{candidate.foundation}"[:_FOUNDATION]
        candidate.priority -= _PREFERENCE_STEP
        found.append(candidate_to_sdp(candidate))
    return found


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
