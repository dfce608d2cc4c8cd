"""Two workers on one folder, one of which is held up or dies: every commit is whole, and each job ends once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import crash_plans
from fakes.crash_scenes import scene

Tell = Callable[[str, object], None]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small chunks together", "hash undeclared", "bad chunk"])
def test_a_worker_that_was_held_up_spoils_nothing_that_another_did_with_other_settings(
    home: Path, record_property: Tell, name: str
) -> None:
    record_property("count", crash_plans.stalls(scene(name), home, level="max"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one run", "run of a tree"])
@pytest.mark.parametrize("other", [{"level": "balanced"}, {"level": "fast", "solid": False}], ids=["run", "alone"])
def test_a_worker_that_was_held_up_in_a_run_spoils_nothing_that_another_did_with_other_settings(
    home: Path, record_property: Tell, name: str, other: dict[str, object]
) -> None:
    record_property("count", crash_plans.stalls(scene(name), home, **other))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two jobs", "bad chunk", "one run"])
def test_one_of_two_workers_dies(home: Path, record_property: Tell, name: str) -> None:
    record_property("count", crash_plans.side_by_side(scene(name), home))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "every"), [("one chunk", 23), ("hash undeclared", 41), ("bad chunk", 97), ("one run", 97)]
)
def test_one_is_held_up_and_the_other_dies(home: Path, record_property: Tell, name: str, every: int) -> None:
    record_property("count", crash_plans.pairs(scene(name), home, every=every))
