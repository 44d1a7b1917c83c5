"""How the columns of an evaluation are called where people read them."""

from typing import Final

NAMES: Final = {
    "colour": "colour (original)",
    "motion": "motion",
    "low_level": "low-level",
    "final": "final",
    "unadapted": "final without a twin",
}
"""By the names under which they are reported."""
