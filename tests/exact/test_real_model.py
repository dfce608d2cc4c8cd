"""The model of the catalogue: fetched, converted to the pinned bytes, and its golden payload decoded."""

import json
from pathlib import Path

import pytest

from panini_daemon.compressors import Context, Device, Kind, Level, Surroundings
from panini_daemon.compressors.errors import ModelMissing
from panini_daemon.compressors.models.catalogue import DEFAULT
from panini_daemon.compressors.models.fetch import fetch_model, hash_file
from panini_daemon.compressors.models.shelf import own_folder
from panini_daemon.compressors.text_lm import TextLm

pytestmark = pytest.mark.slow
GOLDEN = Path(__file__).parents[1] / "golden" / "compressors" / "text_lm_v1" / "smollm2"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if (own_folder() / DEFAULT.digest).is_dir():
        return own_folder()
    folder = tmp_path_factory.mktemp("models")
    try:
        fetch_model(DEFAULT, folder, lambda _: None)
    except ModelMissing as error:
        pytest.skip(f"the model is not here and cannot be downloaded: {error}")
    return folder


def test_the_conversion_gives_the_pinned_bytes(shelf: Path) -> None:
    path = shelf / DEFAULT.digest / "model.bin"
    assert hash_file(path) == DEFAULT.digest
    assert path.stat().st_size == DEFAULT.size


def test_the_golden_payload_decodes_and_is_written_again_alike(shelf: Path) -> None:
    plugin = TextLm()
    plugin.attach(Surroundings([shelf]))
    original = (GOLDEN / "original.bin").read_bytes()
    payload = (GOLDEN / "payload.bin").read_bytes()
    parameters = json.loads((GOLDEN / "parameters.json").read_text())
    assert plugin.decompress(payload, parameters, len(original), Device()) == original
    assert plugin.compress(original, Context(Level.MAX, Kind.TEXT)).payload == payload
