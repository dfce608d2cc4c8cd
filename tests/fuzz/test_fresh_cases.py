"""A few thousand new cases, the same ones in every run; `python benchmarks/fuzz.py` runs as many as one likes."""

import pytest

from fuzz.runner import Outcome, run_targets
from fuzz.target import Target
from fuzz.targets import all_targets

SEED = 20240506
CASES = 100
"""Of a target with a share of 1."""


def count(target: Target) -> int:
    return max(3, round(CASES * target.share))


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run_targets(list(all_targets().values()), count, SEED)


@pytest.mark.slow
def test_no_case_breaks_a_promise(outcome: Outcome) -> None:
    told = [f"{finding.target}: {finding.problem}\n{finding.case[:500]!r}" for finding in outcome.findings]
    assert not told, "\n\n".join(told)


@pytest.mark.slow
def test_every_case_was_run_and_targets_refuse_as_well_as_accept(outcome: Outcome) -> None:
    targets = all_targets()
    assert {name: tally.cases for name, tally in outcome.tallies.items()} == {
        name: count(target) for name, target in targets.items()
    }
    groups = {target.group for target in targets.values()}
    for group in groups:
        tallies = [tally for name, tally in outcome.tallies.items() if targets[name].group == group]
        assert 0 < sum(tally.accepted for tally in tallies) < sum(tally.cases for tally in tallies)
