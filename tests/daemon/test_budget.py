import threading

import pytest

from panini_daemon.budget import MemoryBudget


def test_what_does_not_fit_waits_until_enough_is_given_back() -> None:
    budget, entered, leave = MemoryBudget(100), threading.Event(), threading.Event()

    def hold() -> None:
        with budget.reserve(80):
            entered.set()
            leave.wait(5)

    def want() -> None:
        with budget.reserve(50):
            second.set()

    second = threading.Event()
    holder, waiter = threading.Thread(target=hold), threading.Thread(target=want)
    holder.start()
    assert entered.wait(5)
    waiter.start()
    assert not second.wait(0.02)
    leave.set()
    assert second.wait(5)
    holder.join()
    waiter.join()


def test_a_chunk_larger_than_the_budget_runs_alone() -> None:
    budget = MemoryBudget(100)
    with budget.reserve(1_000_000):
        pass
    with budget.reserve(100):
        pass


def test_an_error_inside_gives_the_memory_back() -> None:
    budget = MemoryBudget(10)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), budget.reserve(10):
            print(1 / 0)  # noqa: T201
    with budget.reserve(10):
        pass
