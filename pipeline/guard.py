"""Whether a twin may serve: what was found when it was judged, and what speaks against it, in words."""

from dataclasses import dataclass

from configs.guards import GuardSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A twin and what would serve without it, on keyframes that the twin has not learned from.

    Errors are Eq. (8) per pixel. `before` is what serves, or the original for a twin that is remembered.

    Attributes:
        error_before: against the pseudo-labels.
        error_after: the twin's.
        flips_before: between the map of a frame and that of its mirror image.
        flips_after: the twin's.
        invented_before: mean saliency where the original is sure that nothing is salient.
        invented_after: the twin's.
        contradicted: mean of the pseudo-labels there.
    """

    error_before: float
    error_after: float
    flips_before: float = 0.0
    flips_after: float = 0.0
    invented_before: float = 0.0
    invented_after: float = 0.0
    contradicted: float = 0.0


def objection(judgement: Judgement, settings: GuardSettings) -> str | None:
    """Return what speaks against serving the twin, or None. A figure that is no number speaks against it."""
    one = judgement
    if not one.contradicted <= settings.contradicted:
        return (
            f"the pseudo-labels contradict the original: on average {one.contradicted:.2f} where it is sure that "
            f"nothing is salient, at most {settings.contradicted:g} is believed"
        )
    if not one.error_after < one.error_before:
        return f"held-out error {one.error_after:.4g} is not below {one.error_before:.4g}"
    most = one.flips_before * (1 + settings.flip_tolerance)
    if not one.flips_after <= most:
        return (
            f"the twin contradicts itself on mirrored keyframes: {one.flips_after:.4g}, where {one.flips_before:.4g} "
            f"serves and {most:.4g} is allowed"
        )
    if not one.invented_after <= one.invented_before + settings.invented:
        return (
            f"the twin finds saliency where the original is sure of none: {one.invented_after:.4f} on average after "
            f"{one.invented_before:.4f}, at most {settings.invented:g} more is allowed"
        )
    return None
