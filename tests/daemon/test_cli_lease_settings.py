"""Lease times: whatever the settings let through, the leases accept."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.config import ConfigError, load
from panini_daemon.storage.lease_timing import LeaseTiming

NAMES = ("lease_settle", "lease_refresh", "lease_stale", "lease_stop")


def timing(flags: dict[str, object]) -> LeaseTiming:
    found = load(flags, environ={}, cwd=Path("/nowhere")).settings
    return LeaseTiming(
        settle=found.lease_settle, refresh=found.lease_refresh, stale=found.lease_stale, stop=found.lease_stop
    )


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.floats(0.01, 5000), max_size=4), st.booleans())
def test_times_that_the_leases_would_refuse_are_refused_as_settings(times: dict[str, float], shared: bool) -> None:
    try:
        timing({**times, "shared": shared})
    except ConfigError as error:
        assert {problem.name for problem in error.problems} <= set(NAMES)  # noqa: PT017  the other way must pass, too


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", [0.1, 1, 12, 40, 60, 90, 500, 5000])
def test_one_time_set_alone_works_on_a_local_folder(name: str, seconds: float) -> None:
    assert getattr(timing({name: seconds, "shared": False}), name.removeprefix("lease_")) == seconds


def test_times_too_close_to_each_other_are_named() -> None:
    with pytest.raises(ConfigError, match=r"lease_stop = 59s .*: expected more than lease_refresh and lease_settle"):
        timing({"lease_stop": 59, "lease_stale": 60, "shared": False})
