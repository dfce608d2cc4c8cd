"""What was once found stays found: each failing input of the past, run again."""

from functools import cache
from pathlib import Path

import pytest

from fuzz.judging import judge
from fuzz.target import Target
from fuzz.targets import all_targets

FOLDER = Path(__file__).parent / "corpus"
CASES = sorted(path for path in FOLDER.glob("*/*"))


@cache
def targets() -> dict[str, Target]:
    return all_targets()


def test_there_is_a_target_for_each_folder() -> None:
    assert CASES
    assert {case.parent.name for case in CASES} <= targets().keys()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_case_that_failed_once_is_refused_or_read(case: Path) -> None:
    target = targets()[case.parent.name]
    assert judge(target, target.make(), case.read_bytes()).problem is None
