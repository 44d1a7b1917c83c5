from ipaddress import ip_address

import pytest

from configs.webrtc import IceServerSettings
from stream.ice import advertise, configuration, link_headers

FOUNDATION = "f" * 32
HOST = f"a=candidate:{FOUNDATION} 1 udp 2130706431 10.0.0.2 50000 typ host\r\n"
OTHERS = (
    "a=candidate:2 1 udp 1694498815 203.0.113.9 50001 typ srflx raddr 10.0.0.2 rport 50000\r\n"
    "a=candidate:3 1 udp 2130706431 fd00::2 50002 typ host\r\n"
    "a=end-of-candidates\r\n"
)


def test_hosts_are_advertised_beside_ones_of_their_kind() -> None:
    hosts = [ip_address(host) for host in ("198.51.100.7", "10.0.0.2", "2001:db8::7", "198.51.100.8")]
    lines = advertise(f"v=0\r\n{HOST}{OTHERS}", hosts).splitlines(keepends=True)
    assert "".join(line for line in lines if "198.51" not in line and "2001:" not in line) == f"v=0\r\n{HOST}{OTHERS}"
    added = [line.split() for line in lines if "198.51" in line or "2001:" in line]
    assert [(bits[4], bits[5], bits[3]) for bits in added] == [
        ("198.51.100.7", "50000", str(2130706431 - 256)),
        ("198.51.100.8", "50000", str(2130706431 - 512)),
        ("2001:db8::7", "50002", str(2130706431 - 256)),
    ]
    foundations = [line.split(":")[1].split()[0] for line in lines if line.startswith("a=candidate")]
    assert len(set(foundations)) == len(foundations)
    assert max(map(len, foundations)) == 32, "RFC 8839 allows no longer one"


def test_nothing_is_advertised_or_asked_unless_it_is_set() -> None:
    assert advertise(HOST, ()) == HOST
    assert configuration(()).iceServers == []
    assert link_headers(()) == []


def test_credentials_reach_aiortc_and_the_players() -> None:
    server = IceServerSettings.model_validate({"url": "turn:relay:3478", "username": "me", "credential": "secret"})
    (asked,) = configuration([server]).iceServers or ()
    assert (asked.urls, asked.username, asked.credential) == ("turn:relay:3478", "me", "secret")
    assert "secret" not in repr(server)


@pytest.mark.parametrize(
    "written",
    [
        "https://relay",
        "stun:relay?transport=udp",
        "turn:me@relay",
        "turn:",
        {"url": "turn:relay", "username": "me"},
    ],
)
def test_what_is_no_server_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"write stun:HOST|belong together"):
        IceServerSettings.model_validate(written)
