"""How long and how fast to train."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from models.training.augmentation import Augmentation


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How long and how fast to train.

    Attributes:
        steps: optimiser steps.
        batch: images a step.
        encoder_rate: peak learning rate of parameters whose name starts with `encoder_prefix`.
        rate: peak learning rate of all others.
        weight_decay: AdamW's.
        warmup: steps of linear warm-up; the rate then falls to zero along a cosine.
        averaging: decay of the exponential moving average of the weights, which is what ships.
        sizes: (h, w) input sizes; each step draws one.
        augmentation: how samples are varied; None = they come varied, at the one size there is.
        seed: everything random follows from it and the step's number.
        validate_every: steps between validations and checkpoints.
        seconds: stop early after this much time in this process, None = never.
        outlines: how much more the loss weighs outlines and thin parts; 0 = not at all.
        mixed_precision: compute in bfloat16 on a CPU, float16 on a GPU; the weights stay float32.
        workers: processes that draw samples ahead; 0 = the training's own process draws them when it needs them.
    """

    steps: int
    batch: int = 8
    encoder_rate: float = 1e-4
    rate: float = 1e-3
    encoder_prefix: str = "encoder."
    weight_decay: float = 1e-4
    warmup: int = 100
    averaging: float = 0.998
    sizes: Sequence[tuple[int, int]] = ((160, 288),)
    augmentation: Augmentation | None = field(default_factory=Augmentation)
    seed: int = 0
    validate_every: int = 500
    seconds: float | None = None
    outlines: float = 0.0
    mixed_precision: bool = False
    workers: int = 0
