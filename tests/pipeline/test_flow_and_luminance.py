import numpy as np
import pytest

from pipeline.flow_and_luminance import code_flow_and_luminance
from pipeline.motion_input import motion_picture

GREY = np.full((4, 5, 3), 90, np.uint8)


def flow_of(*vectors: tuple[float, float]) -> np.ndarray:
    flow = np.zeros((4, 5, 2), np.float32)
    flow[0, : len(vectors)] = vectors
    return flow


def test_stillness_is_the_middle_and_the_third_channel_is_the_picture() -> None:
    coded = code_flow_and_luminance(np.zeros((4, 5, 2), np.float32), GREY, floor=1.0)
    np.testing.assert_array_equal(coded[..., :2], 128)
    np.testing.assert_array_equal(coded[..., 2], 90)


def test_lengths_are_roots_of_their_share_of_the_largest() -> None:
    coded = code_flow_and_luminance(flow_of((8, 0), (-2, 0), (0, 0.5), (0, -8)), GREY, floor=1.0)
    # roots of 1, 1/4, 1/16 and 1 times 127.5, around 127.5, rounded
    assert coded[0, :4, :2].tolist() == [[255, 128], [64, 128], [128, 159], [128, 0]]


def test_the_floor_keeps_noise_near_the_middle() -> None:
    faint = flow_of((0.01, 0))
    assert abs(int(code_flow_and_luminance(faint, GREY, floor=1.0)[0, 0, 0]) - 128) == pytest.approx(12.75, abs=1)
    assert code_flow_and_luminance(faint, GREY, floor=0.01)[0, 0, 0] == 255


def test_a_network_is_shown_what_it_was_trained_on() -> None:
    still = np.zeros((4, 5, 2), np.float32)
    assert (motion_picture(still, GREY, "coded-flow") == 255).all(), "no motion is white on the colour wheel"
    assert (motion_picture(still, GREY, "flow-and-luminance")[..., 2] == 90).all()
