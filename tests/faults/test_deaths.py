"""A worker, or a sender, dies anywhere in the life of a job: no chunk is lost, and who follows ends the job."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import crash_plans
from fakes.crash_run import Run
from fakes.crash_scenes import scene, scenes

LONG = (
    *("two jobs", "chunk tree", "bad chunk", "small chunks, removed late", "chunk tree, removed late"),
    *("run of a tree", "bad chunk in a run", "one run, removed late"),
)
ON_A_DISK = [one.name for one in scenes() if one.name not in LONG]
WITHOUT_RENAME = ["one chunk", "bad chunk in a tree", "one run"]
Tell = Callable[[str, object], None]


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_A_DISK)
def test_whoever_follows_a_worker_that_died_ends_the_job(home: Path, record_property: Tell, name: str) -> None:
    record_property("count", crash_plans.deaths(scene(name), home, atomic=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHOUT_RENAME)
def test_half_written_files_are_in_nobodys_way(home: Path, record_property: Tell, name: str) -> None:
    record_property("count", crash_plans.deaths(scene(name), home, atomic=False))


@pytest.mark.slow
@pytest.mark.parametrize("atomic", [True, False])
def test_a_sender_that_died_can_send_again(home: Path, record_property: Tell, atomic: bool) -> None:
    for one in scenes() if atomic else map(scene, WITHOUT_RENAME):
        record_property(one.name, crash_plans.deaths_of_sender(one, home, atomic=atomic))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bad chunk", "one run"])
def test_a_power_cut_loses_no_chunk(home: Path, record_property: Tell, name: str) -> None:
    record_property("count", crash_plans.power_cuts(scene(name), home, seeds=0))


def test_a_dead_worker_changes_nothing_more(home: Path) -> None:
    run = Run(scene("one chunk"), home)
    run.send()
    positions = run.work().positions()
    for position in positions[:: len(positions) // 8]:
        run = Run(scene("one chunk"), home)
        run.send()
        before = len(run.work(cut=position).done)
        assert before == position.index + 1
