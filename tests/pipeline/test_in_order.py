"""Work in order on borrowed threads."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from pipeline.in_order import InOrder


def test_pieces_keep_their_order_and_never_overlap() -> None:
    seen: list[int] = []
    running = threading.Semaphore(1)

    def piece(number: int) -> int:
        assert running.acquire(blocking=False), "another piece runs"
        seen.append(number)
        running.release()
        return 2 * number

    with ThreadPoolExecutor(4) as threads:
        order = InOrder(threads)
        futures: list[Future[int]] = [order.submit(piece, number) for number in range(200)]
        assert [future.result(10) for future in futures] == [2 * number for number in range(200)]
    assert seen == list(range(200))


def test_an_error_reaches_its_own_future_and_the_next_piece_runs() -> None:
    with ThreadPoolExecutor(2) as threads:
        order = InOrder(threads)
        failing, fine = order.submit(int, "x"), order.submit(int, "7")
        with pytest.raises(ValueError, match="invalid literal"):
            failing.result(10)
        assert fine.result(10) == 7


def test_two_orders_share_the_threads() -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        held = InOrder(threads).submit(gate.wait, 10)
        other = InOrder(threads).submit(int, "7")
        assert other.result(10) == 7, "it does not wait for the first order's piece"
        gate.set()
        assert held.result(10)


def test_cancelled_work_is_left_out() -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        order = InOrder(threads)
        order.submit(gate.wait, 10)
        given_up, last = order.submit(int, "1"), order.submit(int, "2")
        assert given_up.cancel()
        gate.set()
        assert last.result(10) == 2
