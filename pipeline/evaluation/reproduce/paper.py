"""What the paper reports: the figures of its tables, to stand beside ours.

Source: "A Plug-and-play Scheme to Adapt Image Saliency Deep Model for Video Data", Tables I to VI.
"""

from typing import Final, NamedTuple


class Figures(NamedTuple):
    """maxF, avgF and MAE."""

    maxF: float  # noqa: N815 - the field's own name
    avgF: float  # noqa: N815
    MAE: float


FLOWS: Final = {
    "conventional [52]": Figures(0.755, 0.657, 0.063),
    "LiteFlowNet": Figures(0.764, 0.666, 0.079),
    "SPyNet": Figures(0.763, 0.664, 0.080),
    "PWC-Net": Figures(0.804, 0.689, 0.065),
    "RADF as motion network": Figures(0.743, 0.701, 0.056),
    "conventional motion (Eq. 4)": Figures(0.645, 0.474, 0.176),
}
"""Table I: motion saliency on the DAVIS test set by source of the flow."""

COMPONENTS: Final = {
    "DAVIS": {
        "RADF": (Figures(0.781, 0.701, 0.055), Figures(0.868, 0.781, 0.037), Figures(0.885, 0.815, 0.029)),
        "ResDSS": (Figures(0.796, 0.731, 0.045), Figures(0.864, 0.769, 0.036), Figures(0.874, 0.795, 0.033)),
        "RAS": (Figures(0.780, 0.724, 0.048), Figures(0.870, 0.776, 0.037), Figures(0.881, 0.802, 0.034)),
        "CPD": (Figures(0.827, 0.794, 0.033), Figures(0.878, 0.793, 0.034), Figures(0.896, 0.824, 0.028)),
        "PoolNet": (Figures(0.826, 0.794, 0.039), Figures(0.907, 0.807, 0.045), Figures(0.908, 0.824, 0.029)),
        "SSAV": (Figures(0.871, 0.823, 0.028), Figures(0.906, 0.811, 0.031), Figures(0.912, 0.830, 0.028)),
    },
    "SegV2": {
        "RADF": (Figures(0.807, 0.724, 0.034), Figures(0.827, 0.718, 0.034), Figures(0.842, 0.765, 0.026)),
        "ResDSS": (Figures(0.836, 0.755, 0.031), Figures(0.835, 0.716, 0.032), Figures(0.853, 0.762, 0.027)),
        "RAS": (Figures(0.761, 0.705, 0.031), Figures(0.790, 0.666, 0.034), Figures(0.825, 0.730, 0.028)),
        "CPD": (Figures(0.828, 0.796, 0.021), Figures(0.857, 0.726, 0.033), Figures(0.884, 0.779, 0.025)),
        "PoolNet": (Figures(0.785, 0.745, 0.022), Figures(0.849, 0.712, 0.035), Figures(0.879, 0.775, 0.026)),
        "SSAV": (Figures(0.813, 0.752, 0.026), Figures(0.848, 0.696, 0.033), Figures(0.878, 0.764, 0.026)),
    },
    "MCL": {
        "RADF": (Figures(0.611, 0.555, 0.071), Figures(0.761, 0.619, 0.048), Figures(0.793, 0.679, 0.041)),
        "ResDSS": (Figures(0.628, 0.564, 0.044), Figures(0.737, 0.575, 0.044), Figures(0.749, 0.609, 0.041)),
        "RAS": (Figures(0.670, 0.610, 0.048), Figures(0.757, 0.599, 0.046), Figures(0.791, 0.652, 0.039)),
        "CPD": (Figures(0.656, 0.629, 0.043), Figures(0.746, 0.614, 0.045), Figures(0.790, 0.672, 0.038)),
        "PoolNet": (Figures(0.644, 0.618, 0.051), Figures(0.762, 0.627, 0.048), Figures(0.812, 0.683, 0.039)),
        "SSAV": (Figures(0.745, 0.708, 0.028), Figures(0.821, 0.653, 0.038), Figures(0.846, 0.693, 0.034)),
    },
    "UVSD": {
        "RADF": (Figures(0.545, 0.484, 0.074), Figures(0.666, 0.570, 0.041), Figures(0.703, 0.608, 0.038)),
        "ResDSS": (Figures(0.619, 0.559, 0.047), Figures(0.660, 0.554, 0.038), Figures(0.694, 0.592, 0.037)),
        "RAS": (Figures(0.665, 0.610, 0.043), Figures(0.683, 0.581, 0.039), Figures(0.712, 0.609, 0.037)),
        "CPD": (Figures(0.674, 0.643, 0.038), Figures(0.708, 0.592, 0.037), Figures(0.713, 0.625, 0.031)),
        "PoolNet": (Figures(0.615, 0.577, 0.041), Figures(0.697, 0.575, 0.040), Figures(0.733, 0.614, 0.035)),
        "SSAV": (Figures(0.811, 0.736, 0.023), Figures(0.790, 0.654, 0.031), Figures(0.762, 0.643, 0.029)),
    },
    "FBMS": {
        "RADF": (Figures(0.776, 0.740, 0.095), Figures(0.795, 0.664, 0.113), Figures(0.824, 0.709, 0.101)),
        "ResDSS": (Figures(0.790, 0.749, 0.087), Figures(0.780, 0.648, 0.112), Figures(0.800, 0.682, 0.106)),
        "RAS": (Figures(0.801, 0.757, 0.087), Figures(0.797, 0.661, 0.112), Figures(0.811, 0.693, 0.104)),
        "CPD": (Figures(0.833, 0.809, 0.057), Figures(0.819, 0.691, 0.105), Figures(0.839, 0.718, 0.092)),
        "PoolNet": (Figures(0.858, 0.835, 0.044), Figures(0.843, 0.705, 0.107), Figures(0.859, 0.732, 0.089)),
        "SSAV": (Figures(0.869, 0.832, 0.045), Figures(0.841, 0.698, 0.102), Figures(0.858, 0.728, 0.090)),
    },
}
"""Table III: original, low-level and final map of each model on each data set."""

ITERATIONS: Final[dict[str, dict[float, Figures]]] = {
    "DAVIS": {
        1: Figures(0.871, 0.799, 0.032),
        5: Figures(0.885, 0.815, 0.029),
        8: Figures(0.885, 0.815, 0.029),
        10: Figures(0.885, 0.813, 0.029),
    },
    "MCL": {
        1: Figures(0.768, 0.655, 0.045),
        5: Figures(0.792, 0.675, 0.041),
        8: Figures(0.793, 0.679, 0.041),
        10: Figures(0.793, 0.678, 0.041),
    },
}
"""Table IV: iterations a keyframe, with RADF."""

THRESHOLDS: Final[dict[float, Figures]] = {
    0.3: Figures(0.791, 0.672, 0.042),
    0.5: Figures(0.792, 0.680, 0.042),
    0.6: Figures(0.793, 0.679, 0.041),
    0.75: Figures(0.789, 0.673, 0.043),
    0.85: Figures(0.791, 0.670, 0.042),
}
"""Table V: threshold on NR, with RADF on MCL."""

SECONDS: Final = {
    "Ours-A (RADF)": 1.61,
    "Ours-B (ResDSS)": 1.33,
    "Ours-C (RAS)": 0.79,
    "Ours-D (CPD)": 1.53,
    "Ours-E (PoolNet)": 1.49,
    "Ours-F (SSAV)": 1.50,
    "SSAV": 0.050,
    "CPD": 0.029,
    "ResDSS": 0.14,
    "PoolNet": 0.042,
    "FL": 2.63,
    "DLVSD": 0.47,
    "RAS": 0.034,
    "RADF": 0.19,
    "FD": 119.4,
    "SGSP": 51.7,
    "RFCN": 1.84,
    "MDF": 12.3,
    "GF": 53.7,
    "MC": 18.3,
    "SA": 45.4,
}
"""Table VI: seconds a frame, on a GTX 1080."""


def closest_dataset(name: str) -> str:
    """Return the paper's data set that a folder's name points to; DAVIS if none."""
    lowered = name.lower()
    marks = {"seg": "SegV2", "mcl": "MCL", "uvsd": "UVSD", "fbms": "FBMS"}
    return next((dataset for mark, dataset in marks.items() if mark in lowered), "DAVIS")
