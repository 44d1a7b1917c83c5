"""The garbage collector rests while a start makes what stays."""

import gc
from collections.abc import Iterator

import pytest

from pipeline.garbage import here_to_stay


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


def test_what_is_made_is_not_looked_at_again() -> None:
    gc.unfreeze()
    with here_to_stay():
        assert not gc.isenabled()
        made: list[list[int]] = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(made)


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with here_to_stay():
        pass
    assert not gc.isenabled()


def test_the_collector_goes_on_after_a_failure() -> None:
    with pytest.raises(ImportError), here_to_stay():
        raise ImportError
    assert gc.isenabled()
