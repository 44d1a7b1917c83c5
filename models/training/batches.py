"""Batches by the number of their step: the same ones whoever draws them, so that worker processes can draw ahead."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.training.augmentation import augment
from models.training.plan import TrainingPlan
from models.training.samples import Sample, SampleSource

Batch = tuple[Tensor, Tensor]
"""(N, h, w, 3) uint8 RGB and (N, 1, h, w) float32 masks in [0, 1]."""


class Batches:
    """The batches of a plan; number `i` is what step `i` trains on."""

    def __init__(self, sources: Sequence[tuple[SampleSource, float]], plan: TrainingPlan) -> None:
        """Hold where samples come from, each with the share of the batches that it fills."""
        self._sources = [source for source, _ in sources]
        shares = np.array([share for _, share in sources], np.float64)
        self._shares = shares / shares.sum()
        self._plan = plan

    def draw(self, step: int) -> Batch:
        """Draw the batch of `step`.

        Raises:
            TrainingDataError: a sample cannot be read.
        """
        rng = np.random.default_rng((self._plan.seed, step))
        size = self._plan.sizes[int(rng.integers(len(self._plan.sizes)))]
        samples = [self._draw(size, rng) for _ in range(self._plan.batch)]
        images = torch.from_numpy(np.stack([sample.image for sample in samples]))
        masks = torch.from_numpy(np.stack([sample.mask for sample in samples]))
        return images, masks.unsqueeze(1)

    def _draw(self, size: tuple[int, int], rng: np.random.Generator) -> Sample:
        source = self._sources[int(rng.choice(len(self._sources), p=self._shares))]
        sample = source.draw(int(rng.integers(len(source))), rng)
        varied = self._plan.augmentation
        return sample if varied is None else augment(sample, size, varied, rng)
