"""A worker, or a sender, dies anywhere in the life of a job: no chunk is lost, and who follows ends the job."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import crash_plans
from fakes.crash_run import Run
from fakes.crash_scenes import scene, scenes

LONG = ("two jobs", "chunk tree", "small chunks, removed late", "chunk tree, removed late")
ON_A_DISK = [one.name for one in scenes() if one.name not in LONG]
WITHOUT_RENAME = ["one chunk", "bad chunk in a tree"]
Tell = Callable[[str, object], None]


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_A_DISK)
def test_whoever_follows_a_worker_that_died_ends_the_job(tmp_path: Path, record_property: Tell, name: str) -> None:
    record_property("count", crash_plans.deaths(scene(name), tmp_path, atomic=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHOUT_RENAME)
def test_half_written_files_are_in_nobodys_way(tmp_path: Path, record_property: Tell, name: str) -> None:
    record_property("count", crash_plans.deaths(scene(name), tmp_path, atomic=False))


@pytest.mark.slow
@pytest.mark.parametrize("atomic", [True, False])
def test_a_sender_that_died_can_send_again(tmp_path: Path, record_property: Tell, atomic: bool) -> None:
    for one in scenes():
        record_property(one.name, crash_plans.deaths_of_sender(one, tmp_path, atomic=atomic))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one chunk", "bad chunk"])
def test_a_power_cut_loses_no_chunk(tmp_path: Path, record_property: Tell, name: str) -> None:
    record_property("count", crash_plans.power_cuts(scene(name), tmp_path, seeds=0))


def test_a_dead_worker_changes_nothing_more(tmp_path: Path) -> None:
    run = Run(scene("one chunk"), tmp_path)
    run.send()
    positions = run.work().positions()
    for position in positions[:: len(positions) // 8]:
        run = Run(scene("one chunk"), tmp_path)
        run.send()
        before = len(run.work(cut=position).done)
        assert before == position.index + 1
