"""Recorded work on the CPU, where it is simply called."""

import pytest
import torch

from models.captured import Captured


def test_work_is_called_when_it_is_asked_for_and_sees_what_was_written_meanwhile() -> None:
    calls = []
    x = torch.zeros(2)

    def work() -> torch.Tensor:
        calls.append(1)
        return x + 1

    captured = Captured(work, torch.device("cpu"))
    assert not calls
    x.copy_(torch.tensor([1.0, 2.0]))
    assert captured().tolist() == [2, 3]
    assert len(calls) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_graph_reads_and_writes_where_it_was_recorded() -> None:
    device = torch.device("cuda")
    x, total = torch.zeros(2, device=device), torch.zeros(2, device=device)

    def work() -> torch.Tensor:
        total.add_(x)
        return x + 1

    captured = Captured(work, device)
    total.zero_()
    x.copy_(torch.tensor([1.0, 2.0]))
    assert captured().tolist() == [2, 3]
    assert captured().tolist() == [2, 3]
    assert total.tolist() == [2, 4]
