"""docs/recipe.md is enough: its fields are the real ones, and decoders written from it decode what is frozen.

The decoders, in `fakes/page_decoders.py`, use none of this project's code.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.bad_plugins import Raises
from fakes.bench import Bench
from fakes.markdown import ROOT, fences, prose, quoted, read, table
from fakes.page_decoders import decode, told_capitals

from panini_daemon.compressors import Context, Kind, Level, Registry
from panini_daemon.compressors.generic_zstd import GenericZstd
from panini_daemon.compressors.passthrough import Passthrough
from panini_daemon.storage.recipe import parse_recipe, recipe_schema

GOLDEN = ROOT / "tests/golden/compressors"
OPEN = ("reconstruction.parameters", "stats.trials", "stats.failed_trials", "timings")  # what is in them differs


PAGES = ["docs/recipe.md", "docs/methods.md", "docs/audio.md", "docs/context-mixing-bytes.md"]
"""Where parameters are described: the list of methods, and a page for each whose format takes one."""


def flatten(fields: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, dict) and prefix + name not in OPEN:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def told_fields() -> set[str]:
    return {quoted(row["field"])[0] for row in table("docs/recipe.md", "field", "meaning")}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.stopping.set()
    made.close()


def test_the_fields_told_are_exactly_those_that_a_run_writes(bench: Bench) -> None:
    bench.compute.registry = Registry([Passthrough(), GenericZstd(), Raises()])
    bench.submit("a.txt", b"words " * 500, level="best")
    bench.run()
    recipe = bench.json("compressed_chunks/a.txt/chunk_0000/recipe.json")
    assert set(flatten(recipe)) == told_fields()
    assert set(recipe["timings"]) <= {"fetch", "compress", "queue"}


def test_the_published_schema_is_the_code_s_and_takes_what_a_run_writes(bench: Bench) -> None:
    assert json.loads((ROOT / "docs/schemas/recipe-1.schema.json").read_text()) == recipe_schema(), "write it anew"
    bench.submit("a.txt", b"words " * 500)
    bench.run()
    recipe = bench.json("compressed_chunks/a.txt/chunk_0000/recipe.json")
    assert set(recipe) <= set(recipe_schema()["properties"])
    assert set(recipe_schema()["required"]) <= set(recipe)


def test_the_example_is_a_recipe_with_those_fields() -> None:
    (example,) = fences("docs/recipe.md", "json")
    recipe = parse_recipe(example.text.encode())
    assert recipe.compression_method in Registry().names()
    shown = set(flatten(json.loads(example.text)))
    assert shown - {"source.repository", "source.commit"} == told_fields() - {"stats.failed_trials"}


def test_every_method_that_ships_is_described_under_its_own_names() -> None:
    registry, text = Registry(), read("docs/methods.md")
    written = dict(re.findall(r"^### `(\w+)`: `(\w+)`$", text, re.MULTILINE))
    old = {
        quoted(row["compression_method"])[0]
        for row in table("docs/recipe.md", "compression_method", "reconstruction.method", "the payload")
        if quoted(row["compression_method"])
    }
    assert {*written, *old} == {*registry.names(), "dedup_reference_v1"}
    for method, reconstruction in written.items():
        assert registry.get(method).reconstruction == reconstruction


def cases(*methods: str) -> list[Path]:
    return [folder for method in methods for folder in sorted((GOLDEN / method).iterdir())]


@pytest.mark.parametrize("folder", cases(*Registry().names()), ids=lambda folder: "-".join(folder.parts[-2:]))
def test_every_parameter_that_was_ever_written_is_described(folder: Path) -> None:
    words = {word for page in PAGES for word in quoted(prose(page))}
    assert set(json.loads((folder / "parameters.json").read_text())) <= words


@pytest.mark.parametrize(
    "folder",
    cases(
        "passthrough_v1",
        "generic_gzip_v1",
        "generic_zstd_v1",
        "generic_brotli_v1",
        "generic_bzip2_v1",
        "generic_xz_v1",
        "generic_ppmd_v1",
        "text_ppmd_v1",
        "image_jxl_v1",
        "image_pixels_v1",
        "semantic_text_v1",
    ),
    ids=lambda folder: "-".join(folder.parts[-2:]),
)
def test_decoders_written_from_the_page_decode_what_is_frozen(folder: Path) -> None:
    original, payload = (folder / "original.bin").read_bytes(), (folder / "payload.bin").read_bytes()
    parameters = json.loads((folder / "parameters.json").read_text())
    decoded = decode(folder.parent.name, payload, len(original), parameters)
    assert hashlib.sha256(decoded).digest() == hashlib.sha256(original).digest()


@pytest.mark.parametrize("method", ["generic_zstd_v1", "generic_xz_v1", "generic_ppmd_v1", "text_ppmd_v1"])
@pytest.mark.parametrize("level", Level)
def test_decoders_written_from_the_page_decode_what_is_written_now(method: str, level: Level) -> None:
    text = (ROOT / "storage/names.py").read_bytes() + "Ελλάς ΓΔΩ Ёлка ÉTÉ ABCd 日本".encode() + b"\x01\x02\x03\xff\x80"
    ramp = b"".join((at * 3).to_bytes(2, "little") for at in range(3000))
    for data in (text, ramp):
        encoded = Registry().get(method).compress(data, Context(level, Kind.TEXT))
        assert decode(method, encoded.payload, len(data), dict(encoded.parameters)) == data


@pytest.mark.parametrize("name", ["bmp", "ppm", "tiff", "pgm of 16 bits"])
def test_a_file_of_pixels_is_put_together_as_the_page_says(name: str) -> None:
    if "16" not in name:
        data = (GOLDEN / "image_pixels_v1" / name / "original.bin").read_bytes()
    else:
        data = b"P5 9 7 999\n" + b"".join((at * 15).to_bytes(2, "big") for at in range(63)) + b" the end"
    encoded = Registry().get("image_pixels_v1").compress(data, Context(Level.FAST, Kind.IMAGE))
    assert encoded.parameters["coder"] == "jxl"
    assert decode("image_pixels_v1", encoded.payload, len(data), dict(encoded.parameters)) == data


def test_the_capitals_told_are_the_transform_s() -> None:
    from panini_daemon.compressors import prose

    assert tuple(told_capitals()) == prose._RANGES
