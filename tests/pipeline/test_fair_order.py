"""Who is next: hand-computed, and what holds for every sequence of turns."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.fair_order import FairOrder

NAMES = ("door", "garden", "yard")
WEIGHTS = st.fixed_dictionaries({name: st.sampled_from([0.25, 1.0, 3.0]) for name in NAMES})
COSTS = st.lists(st.floats(min_value=0.01, max_value=2.0), min_size=1, max_size=120)


def served(order: FairOrder, cost: float = 1.0, weight: float = 1.0) -> tuple[FairOrder, str]:
    """Give the next name a turn."""
    name = order.next
    assert name is not None
    return order.begun(name).charged(name, cost, weight), name


def test_equals_take_turns_in_the_order_in_which_they_asked() -> None:
    order = FairOrder().asked("b").asked("a").asked("c")
    got = []
    for _ in range(6):
        order, name = served(order)
        order = order.asked(name)
        got.append(name)
    assert got == ["b", "a", "c", "b", "a", "c"]


def test_twice_the_weight_is_twice_the_turns() -> None:
    order = FairOrder().asked("a").asked("b")
    got = []
    for _ in range(9):
        name = order.next
        assert name is not None
        order = order.begun(name).charged(name, 1.0, 2.0 if name == "a" else 1.0).asked(name)
        got.append(name)
    assert Counter(got) == {"a": 6, "b": 3}


def test_asking_twice_is_asking_once_and_who_gives_up_is_not_served() -> None:
    order = FairOrder().asked("a").asked("a").asked("b").withdrawn("a")
    order, name = served(order)
    assert (name, order.next) == ("b", None)


def test_a_pause_saves_nothing_up() -> None:
    order = FairOrder()
    for _ in range(100):
        order, _ = served(order.asked("busy"))
    order = order.asked("busy").asked("back")
    got = []
    for _ in range(4):
        order, name = served(order)
        order = order.asked(name)
        got.append(name)
    assert got == ["back", "busy", "back", "busy"], "one turn first, then in turns, though it had none before"


@given(WEIGHTS, COSTS)
def test_who_always_wants_gets_what_its_weight_says(weights: dict[str, float], costs: list[float]) -> None:
    """The bound of the paper: shares over any stretch differ by at most one turn of each."""
    order = FairOrder()
    for name in NAMES:
        order = order.asked(name)
    had: list[Counter[str]] = [Counter()]
    for cost in costs:
        name = order.next
        assert name is not None
        order = order.begun(name).charged(name, cost, weights[name]).asked(name)
        had.append(had[-1] + Counter({name: 1}))
        had[-1] = Counter(had[-2])
        had[-1][name] += cost  # type: ignore[assignment]  # seconds, not a number of turns
    longest = max(costs)
    for start in range(0, len(had), 7):
        for one, other in pairwise((*NAMES, NAMES[0])):
            share = (had[-1][one] - had[start][one]) / weights[one]
            others = (had[-1][other] - had[start][other]) / weights[other]
            assert abs(share - others) <= longest / weights[one] + longest / weights[other] + 1e-9


@given(st.lists(st.tuples(st.sampled_from(("ask", "serve", "give up")), st.sampled_from(NAMES)), max_size=200), COSTS)
def test_whatever_happens_nobody_waits_for_ever(steps: list[tuple[str, str]], costs: list[float]) -> None:
    order, waited = FairOrder(), Counter[str]()
    for number, (what, name) in enumerate(steps):
        if what == "ask":
            order = order.asked(name)
        elif what == "give up":
            order = order.withdrawn(name)
            waited[name] = 0
        elif order.next is not None:
            before = order.now
            order, chosen = served(order, costs[number % len(costs)])
            waited[chosen] = 0
            waited.update(order.waiting.keys())
            assert order.now >= before, "virtual time does not run backwards"
            assert set(order.paid) <= set(NAMES)
        bound = len(NAMES) * (2 + max(costs) / min(costs))
        assert all(waited[name] <= bound for name in order.waiting)
