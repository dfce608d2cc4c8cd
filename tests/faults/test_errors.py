"""Operations of the folder fail anywhere in the life of a job: the worker recovers by itself, or stops for a reason."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import crash_plans
from fakes.crash_plans import KINDS, Kind
from fakes.crash_scenes import scene

NAMES = ["one chunk", "bad chunk"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_error_costs_no_chunk(tmp_path: Path, record_property: Callable[[str, object], None], kind: Kind) -> None:
    for name in NAMES:
        record_property(name, crash_plans.errors(scene(name), tmp_path, kind))
