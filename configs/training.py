"""Settings of a training recipe: `livesal train colour|motion`."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from configs.base import Section

Size = Annotated[tuple[int, int], Field(description="Height and width in pixels, multiples of 32")]


GENERATED: Final = ("scenes", "composites")
"""Kinds of samples that are made: moving pictures, for motion networks."""


class SampleSettings(Section):
    """One source of labelled samples; folders are relative to the data folder."""

    kind: Literal["images", "video", "scenes", "composites"]
    """Single images; frames of sequences (for motion: coded flow). Motion only: scenes made of the images; composites,
    objects of one sequence on the frames of another."""
    images: Path
    """Folder of images, or of `SEQUENCE/FRAME` for video."""
    masks: Path
    """Folder of masks with the same names; white is salient."""
    share: float = Field(default=1.0, gt=0, description="Weight of this source among all")
    scenes: int = Field(default=2000, ge=1, description="How many scenes or composites are made")
    hold_out: tuple[str, ...] = ()
    """Sequences that are never trained on but validated on."""
    hold_out_every: int = Field(default=0, ge=0, description="Validate on every n-th image instead; 0 = on none")


class TrainingSettings(Section):
    """A recipe: network, data, schedule. The same recipe and seed give the same training."""

    task: Literal["colour", "motion"]
    """Saliency of images, or of coded flow (Eq. (5))."""
    network: str
    """Registered network to train."""
    encoder: Path | None = None
    """Public encoder weights to start from, relative to the data folder: an ordered list of folded convolutions."""
    start: str | None = None
    """Registered network, or weights file, to start from instead: a motion network starts from a colour network."""
    sources: tuple[SampleSettings, ...] = Field(min_length=1, description="Where samples come from")
    motion_coding: Literal["flow-and-luminance", "coded-flow"] = "flow-and-luminance"
    """What a motion network is shown; serve it with the same `method.motion_coding`."""
    flow_scale: float = Field(
        default=1.25, gt=0, le=4, description="Flow is estimated at this multiple of the size; as `method.flow_scale`"
    )
    sizes: tuple[Size, ...] = Field(default=((160, 288),), min_length=1, description="Input sizes; each step draws one")
    steps: int = Field(default=4000, ge=1, description="Optimiser steps")
    batch: int = Field(default=8, ge=1, description="Samples a step")
    encoder_rate: float = Field(default=2e-4, ge=0, description="Peak learning rate of the encoder")
    rate: float = Field(default=1e-3, gt=0, description="Peak learning rate of the rest")
    smallest_crop: float = Field(default=0.55, gt=0, le=1, description="Least share of a side that a crop keeps")
    colour: float = Field(default=0.4, ge=0, le=1, description="Strength of the changes of colour")
    degrade: float = Field(default=0.12, ge=0, le=1, description="Probability of each of blur, noise, JPEG, grey")
    outlines: float = Field(default=0.0, ge=0, description="How much more the loss weighs outlines and thin parts")
    mixed_precision: bool = Field(
        default=False, description="Compute in half precision; pays on a GPU and on a CPU that knows bfloat16"
    )
    seed: int = Field(default=0, ge=0, description="Everything random follows from it")
    validate_every: int = Field(default=400, ge=1, description="Steps between two validations and checkpoints")
    validation_stride: int = Field(default=5, ge=1, description="Of the samples held out, every n-th is validated on")

    @model_validator(mode="after")
    def _made_samples_move(self) -> Self:
        kinds = [source.kind for source in self.sources if source.kind in GENERATED]
        if self.task == "colour" and kinds:
            message = f"kind '{kinds[0]}' is for motion networks; a colour network learns from 'images' or 'video'"
            raise ValueError(message)
        return self
