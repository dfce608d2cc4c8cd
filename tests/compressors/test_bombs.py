"""Small payloads that claim, or hold, far more than they may: refused before the memory is taken."""

import bz2
import io
import lzma
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from functools import cache

import brotli
import pytest
import zstandard
from fuzz.judging import peak_of
from PIL import Image

from panini_daemon.compressors import Context, Device, Kind, Level, PayloadDamaged, Registry, decompress, ppmd
from panini_daemon.compressors.image_jxl import ImageJxl
from panini_daemon.compressors.parameters import LARGEST

MIB, GIB = 1 << 20, 1 << 30
LITTLE = 24 * MIB
"""What refusing may take: less than a hundredth of what the bombs hold."""
XZ = {"dict_log": 20, "lc": 3, "lp": 0, "pb": 2}
RAW_XZ = [{"id": lzma.FILTER_LZMA1, "preset": 0, "dict_size": MIB, "lc": 3, "lp": 0, "pb": 2}]
SQUARE = {"width": 1 << 15, "height": 1 << 15, "stride": 1 << 15}
PIXELS: dict[str, object] = {"shape": [1 << 15, 1 << 15], "dtype": "uint8", "format": "PPM"}


@cache
def registry() -> Registry:
    """Every codec, with its library imported: that is not charged to a bomb."""
    registry = Registry()
    for method in registry.names():
        for payload in (b"\0", b"\xff\x0a" + bytes(20)):
            try:
                decompress(payload, registry=registry, method=method, parameters=PIXELS | XZ, size=9)
            except PayloadDamaged:
                continue
    return registry


def refuse(method: str, payload: bytes, size: int, parameters: Mapping[str, object] | None = None) -> int:
    """Return the peak of memory, in bytes, of a refusal."""
    plugins = registry()

    def decode() -> None:
        with pytest.raises(PayloadDamaged):
            decompress(payload, registry=plugins, method=method, parameters=parameters or {}, size=size)  # type: ignore[arg-type]

    return peak_of(decode)


def gzip_bomb() -> bytes:
    """A gibibyte of zeros in about a mebibyte: deflate's blocks can be repeated behind a full flush."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    trailer = bytes(4) + (GIB & 0xFFFFFFFF).to_bytes(4, "little")
    return bytes.fromhex("1f8b08000000000002ff") + block * 1024 + b"\x03\0" + trailer


def zstd_bomb() -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        1, window_log=20, format=zstandard.FORMAT_ZSTD1_MAGICLESS, write_content_size=False, write_checksum=False
    )
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return b"".join(stream.compress(bytes(MIB)) for _ in range(1024)) + stream.flush()


def brotli_bomb() -> bytes:
    stream = brotli.Compressor(quality=1, lgwin=20)
    return b"".join(stream.process(bytes(MIB)) for _ in range(1024)) + stream.finish()


def bzip2_bomb() -> bytes:
    stream = bz2.BZ2Compressor(9)
    return (b"".join(stream.compress(bytes(MIB)) for _ in range(128)) + stream.flush()).removeprefix(b"BZh9")


def xz_bomb() -> bytes:
    stream = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=RAW_XZ)
    return (b"".join(stream.compress(bytes(MIB)) for _ in range(128)) + stream.flush())[1:]


def ppmd_bomb() -> bytes:
    return ppmd.encode(bytes(4 * MIB), 4, 20)


BOMBS: dict[str, tuple[Callable[[], bytes], Mapping[str, object]]] = {
    "generic_gzip_v1": (gzip_bomb, {}),
    "semantic_text_v1": (gzip_bomb, {}),
    "semantic_image_v1": (gzip_bomb, {}),
    "generic_zstd_v1": (zstd_bomb, {"window_log": 20}),
    "generic_brotli_v1": (brotli_bomb, {}),
    "generic_bzip2_v1": (bzip2_bomb, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("method", BOMBS)
def test_a_payload_that_holds_more_than_declared_is_left_where_that_shows(method: str) -> None:
    make, parameters = BOMBS[method]
    bomb = make()
    assert len(bomb) < 2 * MIB
    for size in (1, 1000, MIB):
        assert refuse(method, bomb, size, parameters) < LITTLE


@pytest.mark.slow
def test_a_stream_without_an_end_of_its_own_is_read_no_further_than_declared() -> None:
    """LZMA and PPMd store no end: what comes out is as long as declared, and its hash tells."""
    plugins = registry()
    for method, bomb, parameters in (
        ("generic_xz_v1", xz_bomb(), XZ),
        ("generic_ppmd_v1", ppmd_bomb(), {"order": 4, "memory_log": 20}),
    ):
        found: list[bytes] = []
        peak = peak_of(
            lambda method=method, bomb=bomb, parameters=parameters, found=found: found.append(  # type: ignore[misc]
                decompress(bomb, registry=plugins, method=method, parameters=parameters, size=MIB)
            )
        )
        assert found == [bytes(MIB)]
        assert peak < LITTLE


@pytest.mark.parametrize("method", Registry().names())
def test_a_size_that_no_chunk_has_is_refused_unread(method: str) -> None:
    for size in (LARGEST + 1, 1 << 40, 1 << 63, 10**4000):
        assert refuse(method, b"\0" * 64, size, PIXELS | XZ) < LITTLE


@pytest.mark.parametrize(
    ("method", "payload", "parameters"),
    [
        ("passthrough_v1", b"\0" * 64, {}),
        ("generic_gzip_v1", gzip_bomb()[:64], {}),
        ("generic_zstd_v1", b"\0" * 64, {"window_log": 27}),
        ("generic_brotli_v1", b"\x1b" * 64, {}),
        ("generic_bzip2_v1", b"1AY&SY" + bytes(64), {}),
        ("generic_xz_v1", b"\xff" * 64, XZ | {"dict_log": 26}),
        ("semantic_text_v1", gzip_bomb()[:64], {}),
        ("semantic_image_v1", gzip_bomb()[:64], {}),
        ("image_jxl_v1", b"\xff\x0a" + bytes(64), {}),
        (
            "image_pixels_v1",
            bytes(64),
            {"coder": "jxl", "offset": 0, "width": 1 << 15, "height": 1 << 15, "stride": 1 << 15},
        ),
    ],
)
def test_memory_is_taken_for_what_comes_out_not_for_what_is_declared(
    method: str, payload: bytes, parameters: Mapping[str, object]
) -> None:
    assert refuse(method, payload, LARGEST, {"channels": 1, "bits": 8, **parameters}) < LITTLE


@pytest.mark.slow
@pytest.mark.parametrize("coder", ["jxl", "webp"])
def test_an_image_stream_of_more_pixels_than_declared_is_refused_by_its_header(coder: str) -> None:
    import imagecodecs
    import numpy as np

    many = np.zeros((4096, 4096, 3), np.uint8)
    if coder == "jxl":
        stream = bytes(imagecodecs.jpegxl_encode(many, lossless=True, effort=1, usecontainer=False, numthreads=1))
    else:
        stream = bytes(imagecodecs.webp_encode(many, lossless=True, level=0, numthreads=1))
    assert len(stream) < 64 << 10
    raster = {"coder": coder, "offset": 0, "width": 64, "height": 64, "channels": 3, "bits": 8, "stride": 192}
    payload = len(stream).to_bytes(4, "little") + stream + zlib.compress(b"", 9, -15)
    assert refuse("image_pixels_v1", payload, 64 * 192, raster) < LITTLE
    assert refuse("image_jxl_v1", stream, 1000) < LITTLE


def test_pixels_that_recipe_1_0_could_not_have_read_are_refused_by_their_shape() -> None:
    assert refuse("semantic_image_v1", gzip_bomb(), MIB, PIXELS) < LITTLE


@pytest.mark.slow
def test_many_empty_gzip_members_are_read_one_after_the_other() -> None:
    """Copying what is left behind each of them took hours."""
    member = zlib.compressobj(9, zlib.DEFLATED, 31).flush()
    plugin = registry().get("generic_gzip_v1")
    assert plugin.decompress(member * 200_000, {}, 0, Device()) == b""


def test_a_jpeg_file_that_is_many_times_its_payload_comes_back() -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "JPEG", comment=b"\0" * 60_000, quality=90)
    plugin, data = ImageJxl(), out.getvalue()
    encoded = plugin.compress(data, Context(Level.BEST, Kind.IMAGE))
    assert len(data) > 64 * len(encoded.payload)
    assert plugin.decompress(encoded.payload, {}, len(data), Device()) == data
    with pytest.raises(PayloadDamaged):
        plugin.decompress(encoded.payload, {}, len(data) - 1, Device())


@pytest.mark.slow
def test_a_model_that_memory_has_no_room_for_is_an_error_and_no_crash() -> None:
    code = (
        "import resource; from panini_daemon.compressors import ppmd; import pyppmd\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20))\n"
        "for act in (lambda: ppmd.decode(b'abc', 8, 30, 1 << 24), lambda: ppmd.encode(b'abc', 8, 30)):\n"
        "    try:\n"
        "        act()\n"
        "    except MemoryError:\n"
        "        print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n" * 2)
