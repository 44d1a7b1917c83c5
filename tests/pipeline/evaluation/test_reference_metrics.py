"""Our measures against PySODMetrics, where the two define the same thing."""

import warnings

import cv2
import numpy as np
import py_sod_metrics  # type: ignore[import-untyped]  # it has no types
import pytest
from numpy.typing import NDArray

from pipeline.evaluation.conventions import FrameScore, score_frame
from pipeline.evaluation.ground_truth import GroundTruth
from pipeline.evaluation.tally import tally

CASES = ("object", "noise", "constant", "inverse", "full", "binary", "empty", "corner", "pixel")


def case(name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a map and a mask, (61, 83) uint8."""
    rng = np.random.default_rng(CASES.index(name))
    mask = np.zeros((61, 83), np.uint8)
    mask[17:40, 30:71] = 255
    saliency = cv2.GaussianBlur(mask, (15, 15), 0) // 2 + rng.integers(20, 90, mask.shape, np.uint8)
    if name == "noise":
        saliency = rng.integers(0, 256, mask.shape, np.uint8)
    elif name == "constant":
        saliency = np.full_like(mask, 77)
    elif name == "inverse":
        saliency = 255 - mask
    elif name == "full":
        mask = np.full_like(mask, 255)
    elif name == "binary":
        saliency = np.roll(mask, 5, 0)
    elif name == "empty":
        mask = np.zeros_like(mask)
    elif name == "pixel":
        mask = np.zeros_like(mask)
        mask[7, 9] = 255
    elif name == "corner":
        mask = np.zeros_like(mask)
        mask[0:3, 0:4] = 255
    return saliency.astype(np.uint8), mask


def toolbox(name: str) -> FrameScore:
    saliency, mask = case(name)
    return score_frame(tally(saliency, GroundTruth(mask > 128)))["toolbox"]


@pytest.mark.parametrize("name", CASES)
def test_f_curve(name: str) -> None:
    with warnings.catch_warnings(action="ignore"):  # PySODMetrics announces that the class will go
        reference = py_sod_metrics.Fmeasure()
    reference.step(*case(name))
    results = reference.get_results()

    assert toolbox(name).curves[2] == pytest.approx(results["fm"]["curve"][::-1], abs=1e-12)
    assert toolbox(name).curves[0] == pytest.approx(results["pr"]["p"][::-1], abs=1e-12)
    assert toolbox(name).curves[1] == pytest.approx(results["pr"]["r"][::-1], abs=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_mean_absolute_error(name: str) -> None:
    reference = py_sod_metrics.MAE()
    reference.step(*case(name))

    assert toolbox(name).mae == pytest.approx(reference.get_results()["mae"], abs=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_s_measure(name: str) -> None:
    reference = py_sod_metrics.Smeasure()
    reference.step(*case(name))

    assert toolbox(name).s == pytest.approx(reference.get_results()["sm"], abs=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_e_curve(name: str) -> None:
    reference = py_sod_metrics.Emeasure()
    reference.step(*case(name))

    assert toolbox(name).curves[3] == pytest.approx(reference.get_results()["em"]["curve"][::-1], abs=1e-12)


def test_pixels_that_nobody_knows_are_not_counted() -> None:
    saliency, mask = case("object")
    counted = np.ones(mask.shape, bool)
    counted[:, 60:] = False
    masked = score_frame(tally(saliency, GroundTruth(mask > 128, counted)))["paper"]
    cropped = score_frame(tally(saliency[:, :60], GroundTruth(mask[:, :60] > 128)))["paper"]

    assert masked.curves[:3] == pytest.approx(cropped.curves[:3])
    assert masked.mae == pytest.approx(cropped.mae)
