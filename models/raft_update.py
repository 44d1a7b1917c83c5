"""RAFT's recurrent update: from what the correlation look-up found to a step of the flow.

Source: Teed and Deng, ECCV 2020 (arXiv 2003.12039); https://github.com/princeton-vl/RAFT (BSD-3-Clause).
"""

from typing import Final

import torch
from torch import Tensor, nn

_MASK_GAIN: Final = 0.25
"""Scales the up-sampling mask's logits, to balance gradients in the public training."""


class SmallUpdate(nn.Module):
    """RAFT-small's: one 3x3 gated unit, no up-sampling mask."""

    def __init__(self, hidden: int, context: int, correlations: int) -> None:
        """Make the unit for a state of `hidden` channels and look-ups of `correlations` channels."""
        super().__init__()
        self.encoder = SmallMotionEncoder(correlations)
        self.gru = GatedUnit(hidden, context + SmallMotionEncoder.outputs)
        self.flow_head = FlowHead(hidden, 128)

    def forward(self, state: Tensor, context: Tensor, found: Tensor, flow: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the new (N, hidden, h, w) state, the (N, 2, h, w) step of the flow, and no mask."""
        state = self.gru(state, torch.cat((context, self.encoder(flow, found)), 1))
        return state, self.flow_head(state), None


class LargeUpdate(nn.Module):
    """RAFT's: a horizontal and a vertical gated unit, and a mask for convex up-sampling."""

    def __init__(self, hidden: int, context: int, correlations: int) -> None:
        """Make the unit for a state of `hidden` channels and look-ups of `correlations` channels."""
        super().__init__()
        self.encoder = LargeMotionEncoder(correlations)
        self.gru = SeparableGatedUnit(hidden, context + LargeMotionEncoder.outputs)
        self.flow_head = FlowHead(hidden, 256)
        self.mask = nn.Sequential(nn.Conv2d(hidden, 256, 3, padding=1), nn.ReLU(), nn.Conv2d(256, 9 * 8 * 8, 1))

    def forward(self, state: Tensor, context: Tensor, found: Tensor, flow: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the new (N, hidden, h, w) state, the (N, 2, h, w) step and the (N, 576, h, w) up-sampling logits."""
        state = self.gru(state, torch.cat((context, self.encoder(flow, found)), 1))
        return state, self.flow_head(state), _MASK_GAIN * self.mask(state)


class SmallMotionEncoder(nn.Module):
    """Looked-up correlations and the present flow to motion features, the flow itself among them."""

    outputs: Final = 82

    def __init__(self, correlations: int) -> None:
        """Make the encoder for look-ups of `correlations` channels."""
        super().__init__()
        self.convc1 = nn.Conv2d(correlations, 96, 1)
        self.convf1 = nn.Conv2d(2, 64, 7, padding=3)
        self.convf2 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv = nn.Conv2d(128, 80, 3, padding=1)

    def forward(self, flow: Tensor, found: Tensor) -> Tensor:
        """Map (N, 2, h, w) flow and (N, correlations, h, w) look-ups to (N, 82, h, w)."""
        correlation = torch.relu(self.convc1(found))
        motion = torch.relu(self.convf2(torch.relu(self.convf1(flow))))
        mixed = torch.relu(self.conv(torch.cat((correlation, motion), 1)))
        return torch.cat((mixed, flow), 1)


class LargeMotionEncoder(nn.Module):
    """As `SmallMotionEncoder`, one layer deeper on the correlations."""

    outputs: Final = 128

    def __init__(self, correlations: int) -> None:
        """Make the encoder for look-ups of `correlations` channels."""
        super().__init__()
        self.convc1 = nn.Conv2d(correlations, 256, 1)
        self.convc2 = nn.Conv2d(256, 192, 3, padding=1)
        self.convf1 = nn.Conv2d(2, 128, 7, padding=3)
        self.convf2 = nn.Conv2d(128, 64, 3, padding=1)
        self.conv = nn.Conv2d(256, 126, 3, padding=1)

    def forward(self, flow: Tensor, found: Tensor) -> Tensor:
        """Map (N, 2, h, w) flow and (N, correlations, h, w) look-ups to (N, 128, h, w)."""
        correlation = torch.relu(self.convc2(torch.relu(self.convc1(found))))
        motion = torch.relu(self.convf2(torch.relu(self.convf1(flow))))
        mixed = torch.relu(self.conv(torch.cat((correlation, motion), 1)))
        return torch.cat((mixed, flow), 1)


class GatedUnit(nn.Module):
    """A convolutional GRU."""

    def __init__(self, hidden: int, inputs: int) -> None:
        """Make the unit with 3x3 gates."""
        super().__init__()
        self.convz = nn.Conv2d(hidden + inputs, hidden, 3, padding=1)
        self.convr = nn.Conv2d(hidden + inputs, hidden, 3, padding=1)
        self.convq = nn.Conv2d(hidden + inputs, hidden, 3, padding=1)

    def forward(self, state: Tensor, x: Tensor) -> Tensor:
        """Return the new (N, hidden, h, w) state after seeing (N, inputs, h, w)."""
        return gate(state, x, self.convz, self.convr, self.convq)


class SeparableGatedUnit(nn.Module):
    """A convolutional GRU along rows, then one along columns."""

    def __init__(self, hidden: int, inputs: int) -> None:
        """Make the unit with 1x5 and 5x1 gates."""
        super().__init__()
        self.convz1 = nn.Conv2d(hidden + inputs, hidden, (1, 5), padding=(0, 2))
        self.convr1 = nn.Conv2d(hidden + inputs, hidden, (1, 5), padding=(0, 2))
        self.convq1 = nn.Conv2d(hidden + inputs, hidden, (1, 5), padding=(0, 2))
        self.convz2 = nn.Conv2d(hidden + inputs, hidden, (5, 1), padding=(2, 0))
        self.convr2 = nn.Conv2d(hidden + inputs, hidden, (5, 1), padding=(2, 0))
        self.convq2 = nn.Conv2d(hidden + inputs, hidden, (5, 1), padding=(2, 0))

    def forward(self, state: Tensor, x: Tensor) -> Tensor:
        """Return the new (N, hidden, h, w) state after seeing (N, inputs, h, w)."""
        state = gate(state, x, self.convz1, self.convr1, self.convq1)
        return gate(state, x, self.convz2, self.convr2, self.convq2)


class FlowHead(nn.Module):
    """From the recurrent state to a step of the flow."""

    def __init__(self, hidden: int, width: int) -> None:
        """Make the head with `width` channels in between."""
        super().__init__()
        self.conv1 = nn.Conv2d(hidden, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, 2, 3, padding=1)

    def forward(self, state: Tensor) -> Tensor:
        """Map (N, hidden, h, w) to (N, 2, h, w)."""
        step: Tensor = self.conv2(torch.relu(self.conv1(state)))
        return step


def gate(state: Tensor, x: Tensor, update: nn.Conv2d, reset: nn.Conv2d, candidate: nn.Conv2d) -> Tensor:
    """Return the GRU's next state: the old one and a candidate, mixed by the update gate."""
    seen = torch.cat((state, x), 1)
    share = torch.sigmoid(update(seen))
    kept = torch.sigmoid(reset(seen)) * state
    return (1 - share) * state + share * torch.tanh(candidate(torch.cat((kept, x), 1)))
