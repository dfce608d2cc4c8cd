"""Frozen payloads: what was once written decodes for ever."""

import json
from pathlib import Path

import pytest
from fakes.tiny_model import put_tiny_model

from panini_daemon.compressors import Registry, Surroundings, decompress
from panini_daemon.compressors.models.shelf import own_folder

FOLDER = Path(__file__).parents[1] / "golden" / "compressors"
METHODS = (
    "audio_lms_v1",
    "audio_ols_v1",
    "container_parts_v1",
    "generic_brotli_v1",
    "generic_bzip2_v1",
    "generic_cm_v1",
    "generic_gzip_v1",
    "generic_ppmd_v1",
    "generic_xz_v1",
    "generic_zstd_v1",
    "image_jpeg_v1",
    "image_jxl_v1",
    "image_pixels_v1",
    "image_pixels_v2",
    "passthrough_v1",
    "semantic_image_v1",
    "semantic_text_v1",
    "text_lm_v1",
    "text_ppmd_v1",
)

SLOW = ("text_lm_v1", "image_pixels_v2", "audio_ols_v1", "generic_cm_v1")
"""Methods that load a model or compile kernels."""
FETCHED = ("smollm2",)
"""Cases whose model is too large for the repository."""
CASES = [
    pytest.param(case, marks=pytest.mark.slow) if case.parent.name in SLOW else case
    for case in sorted(FOLDER.glob("*/*"))
]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_golden_files(method: str) -> None:
    assert list((FOLDER / method).glob("*/payload.bin")), f"make one with tests/golden/make.py {method}"


def test_no_shipped_method_is_without_golden_files() -> None:
    own = {entry.name for entry in _own_entries()}
    assert own == set(METHODS)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    shelf = tmp_path_factory.mktemp("models")
    put_tiny_model(shelf)
    return Registry(surroundings=Surroundings([shelf, own_folder()]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_golden_payload_decodes_to_its_original(case: Path, registry: Registry) -> None:
    original = (case / "original.bin").read_bytes()
    parameters = json.loads((case / "parameters.json").read_text(encoding="utf-8"))
    if case.name in FETCHED and not (own_folder() / parameters["model"]).is_dir():
        pytest.skip("its model is not here; `panini-daemon models fetch` brings it")
    back = decompress(
        (case / "payload.bin").read_bytes(),
        registry=registry,
        method=case.parent.name,
        parameters=parameters,
        size=len(original),
    )
    assert back == original


def _own_entries() -> list:
    from importlib.metadata import distribution

    return [entry for entry in distribution("panini-daemon").entry_points if entry.group == "panini_daemon.compressors"]
