from pathlib import Path

import numpy as np
import pytest

from pipeline.coded_flow import code_flow, colour_wheel, flow_colours, flow_to_image


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "reference" / "golden" / "flowcolor.npz") as file:
        return dict(file)


def test_the_wheel_has_the_published_55_colours(golden: dict[str, np.ndarray]) -> None:
    np.testing.assert_array_equal(colour_wheel(), golden["wheel"])


def test_flow_is_coded_as_published(golden: dict[str, np.ndarray]) -> None:
    flow = golden["flow"]
    np.testing.assert_array_equal(flow_to_image(flow), golden["rgb"])
    np.testing.assert_array_equal(flow_colours(flow[..., 0] / 3, flow[..., 1] / 3), golden["rgb_norm3"])


def test_zero_flow_is_white(golden: dict[str, np.ndarray]) -> None:
    still = np.zeros((4, 5, 2), np.float32)
    np.testing.assert_array_equal(flow_to_image(still), golden["rgb_zero"])
    np.testing.assert_array_equal(code_flow(still, floor=1.0), golden["rgb_zero"])


def test_the_table_is_near_the_formula(golden: dict[str, np.ndarray]) -> None:
    flow = golden["flow"].astype(np.float32)
    largest = float(np.hypot(flow[..., 0], flow[..., 1]).max())
    difference = np.abs(code_flow(flow, floor=largest).astype(int) - golden["rgb"])
    assert np.percentile(difference, 99) <= 2


def test_the_floor_keeps_noise_pale() -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, (32, 32, 2)).astype(np.float32)
    assert code_flow(noise, floor=1.0).min() > 225
    assert code_flow(noise, floor=0.01).min() < 50
