"""Offers that no server should fall over."""

import random


def malformed(offer: str, dice: random.Random, number: int) -> bytes:
    """Break an offer in one of ten ways."""
    lines = offer.splitlines(keepends=True)
    media = next(index for index, line in enumerate(lines) if line.startswith("m="))
    needed = ("a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup", "a=rtcp-mux")[number // 10 % 5]
    appended = {
        4: f"a=rtpmap:{dice.choice(('x y/1', '97', '97 H264', '97 H264/fast'))}",
        5: f"a=fmtp:{dice.randrange(1000, 2000)} x=1",
        6: f"a=candidate:{dice.choice(('', '1', '1 1', '1 one udp 1 1.2.3.4 5 typ host'))}",
        7: f"a=setup:{dice.choice(('both', 'none', ''))}",
        8: f"a=ssrc:{dice.choice(('x cname:y', '1', 'x'))}",
        9: f"a=rtcp:{dice.choice(('', 'x', '9 IN'))}",
    }
    match number % 10:
        case 0:
            return dice.randbytes(dice.randrange(1, 400))
        case 1:
            return "".join(lines[:media]).encode()
        case 2:
            return "".join(line for line in lines if not line.startswith(needed)).encode()
        case 3:
            return offer[dice.randrange(1, 40) :].encode()
        case way:
            return "".join([*lines, f"{appended[way]}\r\n"]).encode()
