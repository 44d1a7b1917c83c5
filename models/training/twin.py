"""Retraining the twin on keyframes (Eq. (8)): the adaptation itself, as a function of tensors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_swa_multi_avg_fn

from configs.method import RetrainingSettings
from models.saliency_model import SaliencyModel

DECODER_RATE: Final = 8e-3
"""Learning rate where the decoder alone is retrained."""
ALL_RATE: Final = 2e-4
"""Learning rate where all layers are: twice the paper's, which the mean of the last weights allows."""

_BATCH: Final = 1
"""Keyframes a step; larger batches gain nothing on a CPU."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyframeTensors:
    """Keyframes as tensors.

    Attributes:
        images: (N, h, w, 3) uint8 RGB.
        labels: (N, h, w) float32 in [0, 1], the low-level saliency LS.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Return the number of keyframes."""
        return len(self.images)


@dataclass(frozen=True, slots=True)
class TwinStep:
    """Progress of a round: iterations done, of how many, and the loss of the last."""

    iteration: int
    iterations: int
    loss: float


def euclidean_loss(estimate: Tensor, label: Tensor) -> Tensor:
    """Return Eq. (8): 1 / (2 N) of the squared distance between maps (N, 1, h, w)."""
    return (label - estimate).square().sum() / (2 * len(estimate))


class TailMean:
    """The mean of weights over the last iterations of a round, which wanders less than the weights themselves.

    Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992, over the tail alone.
    """

    def __init__(self, trained: Sequence[Tensor], iterations: int, share: float) -> None:
        """Begin a round of so many iterations, the last `share` of which count."""
        self._trained = list(trained)
        self._first = iterations - round(share * iterations) + 1
        self._mean: list[Tensor] = []
        self._counted = 0
        self._include = get_swa_multi_avg_fn()  # type: ignore[no-untyped-call]  # torch leaves it without types

    def note(self, iteration: int) -> None:
        """Take in the weights after an iteration; the first is 1."""
        if iteration < self._first:
            return
        if not self._mean:
            self._mean = [value.detach().clone() for value in self._trained]
        self._include(self._mean, self._trained, self._counted)
        self._counted += 1

    def apply(self) -> None:
        """Put the mean in the weights' place, if any iteration counted."""
        with torch.no_grad():
            for mean, value in zip(self._mean, self._trained, strict=False):
                value.copy_(mean)


class TwinTrainer:
    """Retrains a model in place, on all its layers or, with cached features, on its decoder alone."""

    def __init__(self, model: SaliencyModel, keyframes: KeyframeTensors, settings: RetrainingSettings) -> None:
        """Freeze what is not retrained and, where that is the encoder, compute its features once.

        Statistics of batch normalisation stay frozen in either case: a few keyframes cannot estimate them.
        """
        self.model = model.eval()
        self.keyframes = keyframes
        self.settings = settings
        self.decoder_only = settings.scope == "decoder" and model.splits
        for name, parameter in model.network.named_parameters():
            parameter.requires_grad_(not self.decoder_only or name.startswith("decoder."))
        self._cached = [self._features(index) for index in range(len(keyframes))] if self.decoder_only else []

    @property
    def iterations(self) -> int:
        """Iterations of a round: λ × N."""
        return self.settings.iterations_per_keyframe * len(self.keyframes)

    def run(self, seed: int = 0) -> Iterator[TwinStep]:
        """Retrain by SGD, each pass over the keyframes in a new order; the mean of the last weights is what stays.

        The learning rate is per pixel: the gradient of Eq. (8) is divided by the number of pixels, so that one rate
        fits every working size.
        """
        generator = torch.Generator().manual_seed(seed)
        trained = [parameter for parameter in self.model.network.parameters() if parameter.requires_grad]
        optimizer = torch.optim.SGD(
            trained,
            lr=self.settings.learning_rate or (DECODER_RATE if self.decoder_only else ALL_RATE),
            momentum=self.settings.momentum,
            weight_decay=self.settings.weight_decay,
        )
        order: list[int] = []
        mean = TailMean(trained, self.iterations, self.settings.averaged)
        for iteration in range(1, self.iterations + 1):
            order = order or torch.randperm(len(self.keyframes), generator=generator).tolist()
            estimate, label = self._estimate(order.pop())
            loss = euclidean_loss(estimate, label)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss / label.shape[-2:].numel())
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            mean.note(iteration)
            yield TwinStep(iteration, self.iterations, float(loss.detach()))
        mean.apply()

    def state(self) -> Mapping[str, Tensor]:
        """Return what was retrained, by the network's parameter names."""
        trained = {name for name, parameter in self.model.network.named_parameters() if parameter.requires_grad}
        return {name: value for name, value in self.model.network.state_dict().items() if name in trained}

    def _features(self, index: int) -> Sequence[Tensor]:
        with torch.no_grad():
            return self.model.features(rgb(self.keyframes.images[index : index + _BATCH]))

    def _estimate(self, index: int) -> tuple[Tensor, Tensor]:
        label = self.keyframes.labels[index : index + _BATCH].unsqueeze(1)
        if self.decoder_only:
            return self.model.decode(self._cached[index], (label.shape[-2], label.shape[-1])), label
        return self.model(rgb(self.keyframes.images[index : index + _BATCH])), label


def mean_error(model: SaliencyModel, keyframes: KeyframeTensors) -> float:
    """Return the mean over keyframes of Eq. (8) per pixel: how far a model is from their labels."""
    losses = []
    with torch.no_grad():
        for index in range(len(keyframes)):
            label = keyframes.labels[index : index + 1].unsqueeze(1)
            losses.append(euclidean_loss(model(rgb(keyframes.images[index : index + 1])), label) / label.numel())
    return float(torch.stack(losses).mean())


def rgb(images: Tensor) -> Tensor:
    """Map (N, h, w, 3) uint8 to (N, 3, h, w) float32 in [0, 1]."""
    return images.permute(0, 3, 1, 2).float() / 255
