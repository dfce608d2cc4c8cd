"""Fixtures that several files of this folder use; a file's own fixture of the same name wins."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.github.server import FakeGithub
from fakes.source_scene import Connections, SourceScene


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeGithub]:
    with FakeGithub(tmp_path) as hub:
        yield hub


@pytest.fixture
def connections(hub: FakeGithub) -> Iterator[Connections]:
    connections = Connections(hub)
    yield connections
    connections.close()


@pytest.fixture
def make_scene(hub: FakeGithub) -> Iterator[Callable[..., SourceScene]]:
    made: list[SourceScene] = []

    def make(**options: Any) -> SourceScene:
        made.append(SourceScene(hub, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def scene(make_scene: Callable[..., SourceScene]) -> SourceScene:
    return make_scene()
