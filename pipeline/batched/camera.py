"""The camera's motion taken off many flows at once; one at a time: `pipeline/camera_motion.py`."""

import torch
from torch import Tensor

from pipeline.batched.homography import fit_homographies, homography_flows
from pipeline.camera_motion import LEAST_SUPPORT, CameraMotion


def without_cameras(flow: Tensor, how: CameraMotion = "homography") -> tuple[Tensor, Tensor]:
    """Return (N, 2, h, w) flow less the cameras' motion, and (N,) shares of vectors that support its fit.

    Args:
        flow: float32 pixels.
        how: as in `pipeline.camera_motion.without_camera`: a homography, or the median where too few support one.
    """
    everything = flow.new_ones(len(flow))
    if how == "none":
        return flow, everything
    middle = flow[:, :, ::2, ::2].flatten(2).median(2).values[:, :, None, None]
    if how == "median":
        return flow - middle, everything
    fitted, support = fit_homographies(flow)
    believed = (support >= LEAST_SUPPORT).view(-1, 1, 1, 1)
    camera = homography_flows(fitted, (flow.shape[2], flow.shape[3]))
    return flow - torch.where(believed, camera, middle), support
