"""The decoder of every compressor's payload, and what looks into bytes on the way to one.

A case is a line of JSON, {"size": ..., "parameters": {...}}, and the payload behind it.
"""

import atexit
import io
import json
import random
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fakes.container_files import all_files
from fakes.tiny_model import put_tiny_model
from PIL import Image

from fuzz.mutation import mutate_bytes, mutate_text
from fuzz.target import MIB, Target, raw
from panini_daemon.compressors import Context, Hints, Kind, Level, Registry, Surroundings, classify, decompress
from panini_daemon.compressors.errors import ModelMissing, NotApplicable, PayloadDamaged
from panini_daemon.compressors.filters import read_filter
from panini_daemon.compressors.images import Layout
from panini_daemon.compressors.images.mixers import (
    DRAWING,
    EVERY_DRAWING,
    MIXERS,
    decode_mixed,
    encode_mixed,
    suits_picture,
)
from panini_daemon.compressors.rasters import Raster, find_raster
from panini_daemon.compressors.text_lm import TextLm

GOLDEN = Path(__file__).parents[1] / "golden" / "compressors"
DEFLATED = GOLDEN.with_name("deflate")
_WORTH_DECODING = 1 << 20
"""Larger sizes that a recipe may claim only cost time here; the tests of bombs have them."""
_REFUSED = 1 << 40
_MEMORY = {
    "text_lm_v1": 1024,
    "image_pixels_v2": 512,
    "container_parts_v1": 512,
    "generic_cm_v1": 320,
}
"""What a case may take, MiB; the first one of a process loads PyTorch, or compiles kernels; generic_cm_v1 has slots."""


def codec_targets() -> Iterator[Target]:
    """Yield a target for each method that is installed, and for what recognises bytes."""
    for method in Registry().names():
        with_model = method == TextLm.method
        yield Target(
            name=f"codec.{method}",
            group="codecs",
            seeds=_seeds_of(method),
            make=_decoder_of(method),
            returns=(bytes,),
            raises=(PayloadDamaged, ModelMissing) if with_model else (PayloadDamaged,),
            mutate=_mutate_case,
            memory=_MEMORY.get(method, 160) * MIB,
            share=0.3 if method.startswith(("image", "container")) else 0.02 if with_model else 1.0,
        )
    yield Target("codec.rasters", "codecs", _originals, lambda: find_raster, (Raster, type(None)), (), mutate=raw)
    yield Target("codec.classification", "codecs", _originals, lambda: _classify, (Kind,), (), mutate=raw, share=0.5)
    yield Target(
        *("codec.filters", "codecs", lambda: [b'{"filter": "x86"}', b'{"filter": "delta12"}']),
        lambda: lambda case: read_filter(_object(case)),
        returns=(str,),
        raises=(PayloadDamaged,),
        mutate=lambda seeds, chance: mutate_text(seeds, chance).encode("utf-8", "surrogatepass"),
    )
    yield Target("deflate.undo", "codecs", _streams, lambda: _undo, (bool,), (), mutate=raw, share=0.3)
    yield Target("deflate.redo", "codecs", _corrections, lambda: _redo, (bytes,), (PayloadDamaged,), raw, share=0.3)
    yield Target(
        *("compress.container_parts_v1", "codecs", _containers, _encoder_of("container_parts_v1")),
        returns=(bytes,),
        raises=(NotApplicable,),
        mutate=raw,
        memory=256 * MIB,  # what streams hold, and the first case compiles
        share=0.1,
    )
    for method in ("audio_lms_v1", "audio_ols_v1"):
        yield Target(
            *(f"compress.{method}", "codecs", _sounds, _encoder_of(method)),
            returns=(bytes,),
            raises=(NotApplicable,),
            mutate=raw,
            memory=256 * MIB,
            share=0.1,
        )
    yield Target(
        *("pixels.mixed", "codecs", lambda: [b"\x09\x07\x02\x03" + bytes(range(200)), b"\x1f\x03\0\0\x55\xaa"]),
        lambda: _mix,
        returns=(bool,),
        raises=(),
        mutate=raw,
        memory=512 * MIB,  # the first case compiles
        share=0.1,
    )
    for method, originals in (
        ("image_jpeg_v1", "image*"),
        ("image_jxl_v1", "image*"),
        ("image_pixels_v1", "image*"),
        ("image_pixels_v2", "image*"),
        ("generic_cm_v1", "generic_cm*"),
    ):
        yield Target(
            name=f"compress.{method}",
            group="codecs",
            seeds=lambda originals=originals: [
                _read(path) for path in sorted(GOLDEN.glob(f"{originals}/*/original.bin"))
            ],
            make=_encoder_of(method),
            returns=(bytes,),
            raises=(NotApplicable,),
            mutate=raw,
            memory=_MEMORY.get(method, 160) * MIB,
            share=0.1,
        )


def _mix(case: bytes) -> bool:
    """Code rows of a layout by the coders that mix contexts, and see that they come back."""
    width, height, channels, bits = case[:4].ljust(4, b"\0")
    layout = Layout(1 + width % 32, 1 + height % 32, 1 + channels % 4, (1, 2, 4, 8, 16)[bits % 5])
    rows = case[4 : 4 + layout.size].ljust(layout.size, b"\0")
    coders = MIXERS if suits_picture(layout) else (EVERY_DRAWING, DRAWING)
    streams = {coder: encode_mixed(rows, layout, coder) for coder in coders}
    if any(stream is not None and decode_mixed(stream, layout, coder) != rows for coder, stream in streams.items()):
        raise ValueError("other rows came back")
    return True


def pack(payload: bytes, parameters: object, size: int) -> bytes:
    """Return a case."""
    return json.dumps({"size": size, "parameters": parameters}).encode() + b"\n" + payload


def _seeds_of(method: str) -> Callable[[], list[bytes]]:
    def read() -> list[bytes]:
        folders = sorted((GOLDEN / method).iterdir())
        told = [json.loads((folder / "parameters.json").read_text(encoding="utf-8")) for folder in folders]
        cases = [
            pack(_read(folder / "payload.bin"), parameters, len(_read(folder / "original.bin")))
            for folder, parameters in zip(folders, told, strict=True)
        ]
        return [*cases, _webp_case()] if method == "image_pixels_v1" else cases

    return read


def _webp_case() -> bytes:
    """Return a case whose pixels are in a WebP stream, which no golden file has."""
    out = io.BytesIO()
    Image.new("RGB", (9, 7), "red").save(out, "WEBP", lossless=True, exact=True)
    raster = {"offset": 3, "width": 9, "height": 7, "channels": 3, "bits": 8, "stride": 27}
    payload = len(out.getvalue()).to_bytes(4, "little") + out.getvalue() + zlib.compress(b"abc", 9, -15)
    return pack(payload, {"coder": "webp", **raster}, 3 + 27 * 7)


def _decoder_of(method: str) -> Callable[[], Callable[[bytes], object]]:
    def make() -> Callable[[bytes], object]:
        most = _WORTH_DECODING
        registry = Registry()
        if method == TextLm.method:
            # A model of a few thousand weights, and few steps: it decodes token by token.
            folder = Path(tempfile.mkdtemp(prefix="panini-fuzz-model-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            put_tiny_model(folder)
            most, registry = 1 << 10, Registry(surroundings=Surroundings([folder]))

        def decode(case: bytes) -> object:
            head, _, payload = case.partition(b"\n")
            told = _object(head)
            parameters, size = told.get("parameters"), told.get("size")
            # What is checked before the codec is asked: recipe.py lets nothing else through.
            if not isinstance(parameters, dict) or type(size) is not int or size < 0:
                raise PayloadDamaged("no recipe")
            if most < size < _REFUSED:
                size %= most
            return decompress(payload, registry=registry, method=method, parameters=parameters, size=size)

        return decode

    return make


def _encoder_of(method: str) -> Callable[[], Callable[[bytes], object]]:
    def make() -> Callable[[bytes], object]:
        plugin = Registry().get(method)
        return lambda case: plugin.compress(case, Context(Level.FAST, Kind.IMAGE)).payload

    return make


def _mutate_case(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Change the parameters, or the payload, or both; or take them from two cases."""
    heads, bodies = [seed.partition(b"\n")[0] for seed in seeds], [seed.partition(b"\n")[2] for seed in seeds]
    at = chance.randrange(len(seeds))
    head, body = heads[at], bodies[at]
    draw = chance.random()
    if draw < 0.4:
        head = mutate_text([head], chance).encode("utf-8", "surrogatepass").replace(b"\n", b"")
    elif draw < 0.5:
        head = chance.choice(heads)
    if draw > 0.3:
        body = mutate_bytes([body, *bodies], chance, first=True)
    return head + b"\n" + body


def _sounds() -> Sequence[bytes]:
    return [_read(path) for path in sorted(GOLDEN.glob("audio_lms_v1/*/original.bin"))]


def _streams() -> Sequence[bytes]:
    return [path.read_bytes() for path in sorted(DEFLATED.rglob("stream.bin"))]


def _undo(case: bytes) -> bool:
    """Undo what may be a stream; what came apart must come together again."""
    from panini_daemon.compressors.deflate import redo, undo

    undone = undo(case, limit=MIB, effort=Level.FAST)
    if undone is None:
        return False
    made = redo(undone.content, undone.encoder, undone.corrections, limit=undone.consumed)
    assert made == case[: undone.consumed]
    return True


def _corrections() -> Sequence[bytes]:
    """Return cases of which the first three bytes are an encoder, then a length, the content and the corrections."""
    cases = []
    for folder in sorted(path for path in DEFLATED.iterdir() if path.is_dir()):
        encoder = bytes.fromhex(json.loads((folder / "encoder.json").read_text())["encoder"])
        content = (folder / "content.bin").read_bytes()[:4000]
        cases.append(encoder + len(content).to_bytes(2, "big") + content + (folder / "corrections.bin").read_bytes())
    return cases


def _redo(case: bytes) -> bytes:
    from panini_daemon.compressors.deflate import redo

    end = 5 + int.from_bytes(case[3:5], "big")
    made = redo(case[5:end], case[:3], case[end:], limit=8000)
    assert len(made) <= 8000
    return made


def _originals() -> list[bytes]:
    return [_read(path) for path in sorted(GOLDEN.glob("*/*/original.bin"))]


def _containers() -> list[bytes]:
    """Return the files that there are golden payloads of, and odd ones."""
    odd = ("zip with a prefix", "zip cut in an entry", "two jpegs", "zlib with a small window", "font of little")
    files = all_files()
    return [*(_read(path) for path in sorted(GOLDEN.glob("container*/*/original.bin"))), *(files[name] for name in odd)]


def _classify(case: bytes) -> Kind:
    return classify(case, Hints("mdat", "text_generic"))


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _read(path: Path) -> bytes:
    return path.read_bytes()
