from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes.mounts.fleet import Fleet
from fakes.mounts.ground import Ground, why_no_mounts
from fakes.mounts.mount import Delays, Mount, MountRefused

DELAYS = Delays(dir_cache=0.7, write_back=0.3, attributes=0.2)


@pytest.fixture(scope="session")
def mounting() -> None:
    """Skip where FUSE is not to be had: what one mount of an empty folder needs, all tests need."""
    if reason := why_no_mounts():
        pytest.skip(reason)
    with Ground() as ground:
        (ground.folder / "back").mkdir()
        mount = Mount(ground, ground.folder / "back", "mount", DELAYS)
        try:
            mount.start()
        except MountRefused as error:
            pytest.skip(f"nothing can be mounted here: {error}")
        finally:
            mount.close()


@pytest.fixture
def ground(mounting: None) -> Iterator[Ground]:
    with Ground() as ground:
        yield ground


@pytest.fixture
def make_fleet(ground: Ground) -> Iterator[Callable[..., Fleet]]:
    """Make a fleet on two mounts that are a little late."""
    made: list[Fleet] = []

    def make(mounts: int = 2, delays: Delays = DELAYS, **settings: Any) -> Fleet:
        made.append(Fleet(ground, delays, mounts=mounts, **settings))
        return made[-1]

    yield make
    for fleet in made:
        fleet.close()


@pytest.fixture
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet()
