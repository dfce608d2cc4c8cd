from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fakes.tiny_model import put_tiny_model

from panini_daemon.compressors import Surroundings
from panini_daemon.compressors.text_lm import TextLm


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def plugin(shelf: Path) -> TextLm:
    made = TextLm(put_tiny_model(shelf))
    made.attach(Surroundings((shelf,)))
    return made


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Let the tiny model's products run on one thread: several would wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
