"""Retraining decoders on a GPU by one recorded step: forward, backward and update as a CUDA graph, twin after twin.

The same step as `models/training/twin.py` does with a decoder on cached features. A step of so small a network is
launches for the most part; recorded, it has none, and a thread that retrains hardly needs the interpreter.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from configs.method import RetrainingSettings
from models.captured import Captured
from models.errors import ExportError
from models.saliency_model import SaliencyModel
from models.training.twin import DECODER_RATE, KeyframeTensors, TailMean, euclidean_loss, rgb


class RecordedTrainer:
    """Retrains one decoder after the other, in float32; one thread calls it."""

    def __init__(
        self, model: SaliencyModel, size: tuple[int, int], settings: RetrainingSettings, device: torch.device
    ) -> None:
        """Copy `model` to `device` and record the step for images of `size` = (h, w).

        Raises:
            ExportError: the network has no halves.
        """
        if not model.splits:
            message = f"'{model.entry.name}' has no encoder and decoder: features cannot be cached"
            raise ExportError(message)
        self._model = deepcopy(model).eval().requires_grad_(requires_grad=False).to(device)
        self._original = {name: value.clone() for name, value in self._decoder().items()}
        self._trained = [value.requires_grad_() for value in self._decoder().values()]
        self._settings = settings
        self._label = torch.zeros(1, 1, *size, device=device)
        self._features = self._features_of(torch.zeros(1, *size, 3, dtype=torch.uint8, device=device))
        self._optimizer = torch.optim.SGD(
            self._trained,
            lr=settings.learning_rate or DECODER_RATE,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        self._advance()  # makes the momenta, which the step is to find where they are
        self._step = Captured(self._advance, device)

    def run(
        self, keyframes: KeyframeTensors, start: Mapping[str, Tensor] | None = None, seed: int = 0
    ) -> Iterator[Tensor]:
        """Retrain on `keyframes`, which are on the device, from `start`; see `TwinTrainer.run`.

        Args:
            keyframes: to learn from.
            start: a decoder's weights by the network's parameter names; None = the original's.
            seed: of the keyframes' order.

        Yields:
            After each step its loss, a scalar on the device that the next step overwrites.
        """
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, value in self._decoder().items():
                value.copy_((start or self._original)[name])
            for state in self._optimizer.state.values():
                state["momentum_buffer"].zero_()
        cached = self._features_of(keyframes.images)
        order: list[int] = []
        iterations = self._settings.iterations_per_keyframe * len(keyframes)
        mean = TailMean(self._trained, iterations, self._settings.averaged)
        for iteration in range(1, iterations + 1):
            order = order or torch.randperm(len(keyframes), generator=generator).tolist()
            index = order.pop()
            for place, feature in zip(self._features, cached, strict=True):
                place.copy_(feature[index : index + 1])
            self._label.copy_(keyframes.labels[index])
            loss = self._step()
            mean.note(iteration)
            yield loss
        mean.apply()

    def state(self) -> Mapping[str, Tensor]:
        """Return a copy of the decoder's weights, by the network's parameter names."""
        return {name: value.detach().clone() for name, value in self._decoder().items()}

    def _decoder(self) -> dict[str, nn.Parameter]:
        named = self._model.network.named_parameters()
        return {name: value for name, value in named if name.startswith("decoder.")}

    def _features_of(self, images: Tensor) -> Sequence[Tensor]:
        with torch.no_grad():
            return [feature.contiguous() for feature in self._model.features(rgb(images))]

    def _advance(self) -> Tensor:
        height, width = self._label.shape[-2:]
        loss = euclidean_loss(self._model.decode(self._features, (height, width)), self._label)
        # not `backward`, which would add to gradients on whatever stream they were made
        # heads that the map is not made of have none
        gradients = torch.autograd.grad(loss / (height * width), self._trained, allow_unused=True)
        for value, gradient in zip(self._trained, gradients, strict=True):
            value.grad = gradient
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimizer.step()
        return loss.detach()
