from random import Random

import pytest

from configs.source import ReconnectSettings
from stream.backoff import Backoff


def test_pauses_double_up_to_the_maximum_and_start_again_after_a_reset() -> None:
    settings = ReconnectSettings.model_validate({"initial": 1, "maximum": 5, "factor": 2, "jitter": 0})
    backoff = Backoff(settings, Random(0))  # noqa: S311 - jitter is no secret
    assert [backoff.next() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next() == 1


def test_the_jitter_stays_within_its_share_and_differs() -> None:
    settings = ReconnectSettings.model_validate({"initial": 2, "maximum": 2, "jitter": 0.25})
    backoff = Backoff(settings, Random(0))  # noqa: S311 - jitter is no secret
    pauses = [backoff.next() for _ in range(100)]
    assert all(1.5 <= pause <= 2.5 for pause in pauses)
    assert max(pauses) - min(pauses) == pytest.approx(1, abs=0.1)
