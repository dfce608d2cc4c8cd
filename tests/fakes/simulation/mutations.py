"""Designs that would be wrong: what the simulation must find."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fakes.simulation.rules import Rules
from fakes.simulation.world import World

from panini_daemon import adoption, line, pipeline, run_line
from panini_daemon.job_end import End, JobEnds
from panini_daemon.service import Service
from panini_daemon.storage import commits
from panini_daemon.storage.commits import PAYLOAD, Commit, read_recipe
from panini_daemon.storage.lease_course import LeaseCourse
from panini_daemon.storage.lease_rivals import Rivals

Patch = Callable[[Any, str, Any], None]
"""Puts a value in the place of an object's attribute, as pytest's `monkeypatch.setattr` does."""


def commit_without_comparing(patch: Patch) -> None:
    patch(pipeline, "_require_equal", lambda _works, _decoded: None)
    patch(run_line._Work, "_require_equal", lambda *_: None)


def remove_without_looking_again(patch: Patch) -> None:
    def part(ends: JobEnds, progress: Any) -> End:
        ends._finish(progress)
        return End.OVER

    patch(JobEnds, "part", part)


def remove_at_once(patch: Patch) -> None:
    change_rules(patch, removal_delay=0.0)


def claim_without_settling(patch: Patch) -> None:
    def wait(course: LeaseCourse, claim: Any) -> None:
        claim.look_at = course._clock.monotonic()

    patch(LeaseCourse, "wait", wait)


def call_stale_by_wall_clock(patch: Patch) -> None:
    make = Rivals.__init__

    class Wall:
        def __init__(self, clock: Any) -> None:
            self._clock = clock

        def monotonic(self) -> float:
            return float(self._clock.now().timestamp())

    patch(Rivals, "__init__", lambda self, store, folder, clock, timing: make(self, store, folder, Wall(clock), timing))


def claim_by_moving_the_manifest(patch: Patch) -> None:
    start = Service._start

    def move(service: Service, job: Any) -> None:
        start(service, job)
        parts = service._parts
        if job.job_id in service._running and parts.source.has(job):
            parts.store.move(job.manifest_path, f"claimed/{parts.worker}/{job.job_id}.json")

    patch(Service, "_start", move)


def trust_a_recipe_alone(patch: Patch) -> None:
    def find(store: Any, folder: str, _digests: object = None) -> Commit:
        recipe = read_recipe(store, folder)
        return Commit(recipe, f"{folder}/{PAYLOAD}", recipe.payload_hash or "", 0)

    patch(commits, "find_commit", find)


def write_over_other_commits(patch: Patch) -> None:
    for module in (adoption, line, pipeline, run_line):
        patch(module, "already_committed", lambda *_: None)


def name_runs_that_are_not_written(patch: Patch) -> None:
    patch(run_line, "write_run_file", lambda _store, file, _payload, **_: file.place)


def change_rules(patch: Patch, **changes: Any) -> None:
    """Have every world made with other rules than those that are drawn."""
    make = World.__init__

    def init(world: World, seed: int, rules: Rules | None = None, trace: Any = None) -> None:
        make(world, seed, rules, trace)
        world.rules = replace(world.rules, **changes)

    patch(World, "__init__", init)


@dataclass(frozen=True, slots=True)
class Mutation:
    """How to make a design wrong, what a violation says that shows it, and seeds that found it before."""

    apply: Callable[[Patch], None]
    shows: str
    found_by: tuple[int, ...] = ()


MUTATIONS: Mapping[str, Mutation] = {
    one.apply.__name__: one
    for one in (
        Mutation(commit_without_comparing, "a commit decodes to", (17, 143)),
        Mutation(remove_without_looking_again, "without a commit", (187,)),
        Mutation(remove_at_once, "without a commit", (175,)),
        Mutation(claim_without_settling, "was compressed", (1, 13)),
        Mutation(call_stale_by_wall_clock, "", (266,)),
        Mutation(claim_by_moving_the_manifest, "without a commit", (0,)),
        Mutation(trust_a_recipe_alone, "without a commit", (120,)),
        Mutation(write_over_other_commits, "without a commit", (59,)),
        Mutation(name_runs_that_are_not_written, "before its run", (1,)),
    )
}
