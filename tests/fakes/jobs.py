"""Small retraining jobs."""

import torch

from configs.method import RetrainingSettings
from models.training.twin import KeyframeTensors
from pipeline.retraining.job import Job


def small_job(keyframes: int = 5) -> Job:
    """Return a job of random pictures in which a rectangle is labelled: seconds on one core."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (keyframes, 64, 96, 3), generator=generator, dtype=torch.uint8)
    labels = torch.zeros(keyframes, 64, 96)
    labels[:, 20:40, 30:60] = 0.9
    return Job(
        model="livesal-colour",
        settings=RetrainingSettings(iterations_per_keyframe=2),
        held_out=0.2,
        seed=1,
        keyframes=KeyframeTensors(images, labels),
        base={},
    )
