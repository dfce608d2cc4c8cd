"""docs/recipe.md is enough: its fields are the real ones, and decoders written from it decode what is frozen.

The decoders here use none of this project's code, only libraries that read the formats the page names.
"""

import bz2
import hashlib
import io
import json
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.bad_plugins import Raises
from fakes.bench import Bench
from fakes.markdown import ROOT, fences, prose, quoted, read, table

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


def decode(method: str, payload: bytes, size: int, told: dict[str, Any]) -> bytes:
    if method in ("generic_gzip_v1", "semantic_text_v1"):
        import gzip

        return gzip.decompress(payload)
    if not size:
        assert payload == b""
        return b""
    return {
        "passthrough_v1": lambda: payload,
        "generic_zstd_v1": lambda: unzstd(payload, size, told),
        "generic_brotli_v1": lambda: unbrotli(payload),
        "generic_bzip2_v1": lambda: bz2.decompress(b"BZh9" + payload),
        "generic_xz_v1": lambda: unlzma(payload, size, told),
        "generic_ppmd_v1": lambda: unfilter(unppmd(payload, size, told), told),
        "text_ppmd_v1": lambda: untransform(unppmd(payload, told["length"], told)),
        "image_jxl_v1": lambda: unjxl(payload),
        "image_pixels_v1": lambda: unpixels(payload, told),
    }[method]()


def unzstd(payload: bytes, size: int, told: dict[str, Any]) -> bytes:
    import zstandard

    decoder = zstandard.ZstdDecompressor(max_window_size=1 << told["window_log"])
    magic = re.search(r"put `((?:[0-9A-F]{2} ?)+)` in front", read("docs/methods.md"))
    assert magic
    return decoder.stream_reader(bytes.fromhex(magic[1]) + payload).read(size + 1)


def unbrotli(payload: bytes) -> bytes:
    import brotli

    return bytes(brotli.decompress(payload))


def unlzma(payload: bytes, size: int, told: dict[str, Any]) -> bytes:
    header = bytes([(told["pb"] * 5 + told["lp"]) * 9 + told["lc"]]) + (1 << told["dict_log"]).to_bytes(4, "little")
    file = header + b"\xff" * 8 + b"\0" + payload + bytes(16)
    return unfilter(lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(file, size), told)


def unfilter(data: bytes, told: dict[str, Any]) -> bytes:
    name = told.get("filter", "none")
    if name == "x86":  # an .xz file's own way of naming filter 04: a stored LZMA2 block under it
        packed = lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}])
        return lzma.decompress(packed, lzma.FORMAT_RAW, filters=[{"id": 0x04}, {"id": lzma.FILTER_LZMA2, "preset": 0}])
    if name.startswith("delta"):
        distance, out = int(name.removeprefix("delta")), bytearray(data)
        for at in range(distance, len(out)):
            out[at] = (out[at] + out[at - distance]) & 255
        return bytes(out)
    assert name == "none"
    return data


def unppmd(payload: bytes, size: int, told: dict[str, Any]) -> bytes:
    import pyppmd

    decoder = pyppmd.Ppmd7Decoder(told["order"], 1 << told["memory_log"])
    out = decoder.decode(b"\0" + payload + bytes(1 << 16), size)
    assert len(out) == size
    return bytes(out)


def untransform(text: bytes) -> bytes:
    letters, at, point = [], 1, 0x7F
    for _ in range(text[0]):
        distance, shift = 0, 0
        while text[at] >= 0x80:
            distance, shift, at = distance | (text[at] & 0x7F) << shift, shift + 7, at + 1
        point, at = point + 1 + (distance | text[at] << shift), at + 1
        letters.append(chr(point))
    chars: list[str] = []
    while at < len(text):
        byte, length = text[at], 1
        if byte == 0xFF:
            first = text[at + 1]
            length = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
            chars.append(text[at + 1 : at + 1 + length].decode("utf-8", "surrogatepass"))
            length += 1
        else:
            chars.append(letters[byte - 0x80] if byte >= 0x80 else chr(byte))
        at += length
    return write(capitalise(chars))


def told_capitals() -> list[tuple[int, int, int]]:
    """Read the page's table: first capital, last capital, how far above the small letter is."""
    text = read("docs/methods.md").partition("Capitals and their small letters")[2].partition("no others")[0]
    found = re.findall(r"\b([0-9A-F]{2,3})-([0-9A-F]{2,3})\b|small letter (\d+)\s+above", text)
    ranges: list[tuple[int, int, int]] = []
    waiting: list[tuple[int, int]] = []
    for low, high, step in found:
        if step:
            ranges += [(*one, int(step, 16)) for one in waiting]
            waiting = []
        else:
            waiting.append((int(low, 16), int(high, 16)))
    return ranges


def test_the_capitals_told_are_the_transform_s() -> None:
    from panini_daemon.compressors import prose

    assert tuple(told_capitals()) == prose._RANGES


def capitalise(chars: list[str]) -> Iterator[str]:
    capital = {chr(at + step): chr(at) for low, high, step in told_capitals() for at in range(low, high + 1)}
    at = 0
    while at < len(chars):
        if chars[at] == "\x01":
            yield capital[chars[at + 1]]
            at += 2
        elif chars[at] == "\x02":
            at += 1
            while at < len(chars) and chars[at] in capital:
                yield capital[chars[at]]
                at += 1
        else:
            at += chars[at] == "\x03"
            yield chars[at]
            at += 1


def write(chars: Iterator[str]) -> bytes:
    return b"".join(
        bytes([ord(char) - 0xDC00]) if 0xDC80 <= ord(char) <= 0xDCFF else char.encode("utf-8", "surrogatepass")
        for char in chars
    )


def unjxl(payload: bytes) -> bytes:
    import imagecodecs

    assert b"jbrd" in payload
    return bytes(imagecodecs.jpegxl_decode_jpeg(payload))


def unpixels(payload: bytes, told: dict[str, Any]) -> bytes:
    import numpy as np
    from PIL import Image

    end = 4 + int.from_bytes(payload[:4], "little")
    others = io.BytesIO(zlib.decompress(payload[end:], -15))
    if told["coder"] == "webp":
        image = np.asarray(Image.open(io.BytesIO(payload[4:end])).convert("RGB" if told["channels"] == 3 else "RGBA"))
    else:
        import imagecodecs

        assert payload[4:].startswith((b"\xff\x0a", b"\0\0\0\x0cJXL "))
        image = imagecodecs.jpegxl_decode(payload[4:end])
    samples = image.reshape(told["height"], told["width"], told["channels"])
    if told["bgr"]:
        samples = samples[:, :, [2, 1, 0, 3][: told["channels"]]]
    samples = samples.astype((">" if told["big"] else "<") + f"u{told['bits'] // 8}")
    rows = [row.tobytes() for row in samples]
    width = told["width"] * told["channels"] * told["bits"] // 8
    file = others.read(told["offset"])
    for number, row in enumerate(rows):
        assert len(row) == width
        file += row + (others.read(told["stride"] - width) if number < len(rows) - 1 else b"")
    return file + others.read()
