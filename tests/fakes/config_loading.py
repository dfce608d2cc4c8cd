"""Settings loaded on a machine that is always the same."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from panini_daemon.config.errors import ConfigError
from panini_daemon.config.loader import load
from panini_daemon.config.machine import Machine
from panini_daemon.config.settings import Loaded

MACHINE = Machine(
    host="my host.local",
    pid=42,
    nonce="abc123",
    user="1000",
    cores=6,
    memory=10 * 2**30,
    temporary=Path("/tmp"),
)


def load_in(
    cwd: Path,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    machine: Machine = MACHINE,
) -> Loaded:
    return load(flags or {}, environ=environ or {}, cwd=cwd, machine=machine)


def wrong(
    cwd: Path, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Load wrong settings and return each complaint by the setting's name."""
    with pytest.raises(ConfigError) as caught:
        load_in(cwd, flags, environ)
    assert caught.value.__context__ is None
    return {problem.name: str(problem) for problem in caught.value.problems}
