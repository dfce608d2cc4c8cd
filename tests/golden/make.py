"""Freeze a payload of each compressor that has no golden file yet. Never overwrites: a format, once written, stays.

PYTHONPATH=tests python tests/golden/make.py [METHOD ...]
"""

import gzip
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from fakes.container_files import all_files
from fakes.pictures import FILES
from fakes.tiny_model import put_tiny_model
from PIL import Image

from panini_daemon.compressors import Compressor, Context, Device, Encoded, Level, NotApplicable, Registry, Surroundings
from panini_daemon.compressors.images import byte_coder, library_coders
from panini_daemon.compressors.images.mixers import DRAWING, EVERY_DRAWING, EVERY_PICTURE, PICTURE, encode_mixed
from panini_daemon.compressors.images.open_rasters import find_open_raster, take_rows
from panini_daemon.compressors.images.raster_payload import pack_raster
from panini_daemon.compressors.images.streams import BYTES, JXL, STORED, WEBP
from panini_daemon.compressors.text_lm import TextLm

FOLDER = Path(__file__).parent / "compressors"
CONTAINERS = (
    *("png of pillow", "png 3 4", "png of uneven chunks", "png with text and profile", "gzip with every field"),
    *("zip", "zip with descriptors", "zip of large entries", "pdf", "tar of pictures in gzip"),
)


def main(methods: list[str]) -> None:
    with tempfile.TemporaryDirectory() as shelf:
        around = Surroundings([Path(shelf)])
        registry = Registry(surroundings=around)
        tiny = TextLm(put_tiny_model(Path(shelf)))
        tiny.attach(around)
        for method in methods or registry.names():
            freeze(method, tiny if method == tiny.method else registry.get(method))


def freeze(method: str, plugin: Compressor) -> None:
    for name, original, encoded in make_cases(plugin):
        folder = FOLDER / method / name
        if folder.exists():
            sys.stdout.write(f"{folder} is there already; left as it is\n")
            continue
        if plugin.decompress(encoded.payload, encoded.parameters, len(original), Device()) != original:
            raise SystemExit(f"{method} does not give {name} back")
        folder.mkdir(parents=True)
        (folder / "original.bin").write_bytes(original)
        (folder / "payload.bin").write_bytes(encoded.payload)
        (folder / "parameters.json").write_text(json.dumps(dict(encoded.parameters)) + "\n", encoding="utf-8")


def make_cases(plugin: Compressor) -> Iterator[tuple[str, bytes, Encoded]]:
    """Compress originals that suit the codec; recipe 1.0's payloads are made as its writer made them."""
    if plugin.family == "legacy":
        yield from make_legacy_cases(plugin.method)
        return
    if plugin.method == "image_pixels_v2":
        yield from make_pixels(plugin)
        return
    makers = {"image": make_images, "container": make_containers, "audio": make_audio}
    if plugin.method == "generic_cm_v1":
        yield from make_mixed()
    originals = makers.get(plugin.family, make_bytes)()
    for name, original in originals.items():
        try:
            yield name, original, plugin.compress(original, Context(Level.BEST))
        except NotApplicable as error:
            sys.stdout.write(f"{plugin.method}: {name}: {error}\n")


def make_legacy_cases(method: str) -> Iterator[tuple[str, bytes, Encoded]]:
    text = make_bytes()["text"]
    packed = gzip.compress(text, mtime=0)
    if method == "semantic_text_v1":
        yield "text", text, Encoded(packed, {"encoding": "utf-8"})
        return
    yield "file", text, Encoded(packed, {"format": "PNG"})
    picture = make_picture()
    for name in ("BMP", "PPM"):
        pixels = gzip.compress(picture.tobytes(), mtime=0)
        parameters = {"shape": list(picture.shape), "dtype": "uint8", "format": name}
        yield name.lower(), save(name), Encoded(pixels, parameters)


def make_mixed() -> Iterator[tuple[str, bytes, Encoded]]:
    """Encode the same bytes under each profile, and text transformed before, whichever of them suits."""
    from panini_daemon.compressors import prose
    from panini_daemon.compressors.contextmix.bytecoder import Settings, encode
    from panini_daemon.compressors.contextmix.profiles import PROFILES

    originals = make_bytes()
    whole = originals["text"][:200] + originals["words"][:120] + originals["jumps"][:120]
    for name, contexts in PROFILES.items():
        payload = encode(whole, Settings(contexts, 12, 6), lambda done, total: None)
        yield name.replace(" ", "-"), whole, Encoded(payload, {"profile": name, "stride": 6, "slots_log": 12})
    text = originals["text"][:300]
    coded = prose.transform(text)
    payload = encode(coded, Settings(PROFILES["text"], 12, 1), lambda done, total: None)
    yield "prose", text, Encoded(payload, {"profile": "text", "stride": 1, "slots_log": 12, "length": len(coded)})


def make_bytes() -> dict[str, bytes]:
    """Make text in several scripts, machine words, and branches as x86 code has them."""
    text = "The DAEMON leases a Chunk, compresses it, and proves that it decodes. Dès Noël où un zéphyr haï. "
    text += "Съешь ещё этих мягких французских булок. धर्मक्षेत्रे कुरुक्षेत्रे समवेता युयुत्सवः।\n"
    words = b"".join((at * 7 % 900).to_bytes(2, "little") for at in range(600))
    jumps = b"".join(b"\x55\x8b\xec\xe8" + (5000 - 12 * at).to_bytes(4, "little", signed=True) for at in range(100))
    return {"empty": b"", "text": text.encode() * 3, "words": words, "jumps": jumps}


def make_images() -> dict[str, bytes]:
    plain = {name.lower(): save(name) for name in ("BMP", "PPM", "TIFF", "JPEG")}
    return {**plain, "progressive jpeg": save("JPEG", progressive=True), "jpeg with a tail": save("JPEG") + b"behind"}


def make_containers() -> dict[str, bytes]:
    files = all_files()
    return {name.replace(" ", "-"): files[name] for name in CONTAINERS}


def make_audio() -> dict[str, bytes]:
    """Make short files of every width, with one and more channels."""
    from fakes.audio_files import aiff, wav

    return {
        "wav of 16 bits": wav(150),
        "wav of 8 bits": wav(150, width=1),
        "wav of 24 bits and two channels": wav(100, 2, 3),
        "aiff": aiff(150),
        "wav longer than a history": wav(4500, 2),
    }


def make_pixels(plugin: Compressor) -> Iterator[tuple[str, bytes, Encoded]]:
    """Make every kind of file, and one picture by each of the coders of pixels, whichever is smallest."""
    for name, make in FILES.items():
        yield name, make(), plugin.compress(make(), Context(Level.BEST))
    original = FILES["bmp"]()
    raster = find_open_raster(original)
    if raster is None:
        raise SystemExit("the picture is not found in its file")
    rows, layout = take_rows(original, raster), raster.layout
    differences = byte_coder.encode_bytes(rows, layout, Level.BALANCED)
    streams = {"stored": (STORED, rows), "bytes": (BYTES, differences)}
    streams["jxl"] = JXL, library_coders.encode_jxl(rows, layout, 3)
    streams["webp"] = WEBP, library_coders.encode_webp(rows, layout, 6)
    for coder, name in ((EVERY_DRAWING, "drawing"), (EVERY_PICTURE, "picture")):
        streams[name] = coder, encode_mixed(rows, layout, coder)
    for name, (coder, stream) in streams.items():
        payload = b"\0" + pack_raster(original, raster, bytes([coder]) + (stream or b""))
        yield f"coder-{name}", original, Encoded(payload)
    for coder, name in ((DRAWING, "drawing"), (PICTURE, "picture")):
        yield f"coder-{name}-flat", *encode_raster(make_flat(), coder)
    for bits in (4, 16):
        yield f"coder-drawing-{bits}", *encode_raster(FILES[f"tiff-{bits}"](), EVERY_DRAWING)


def make_flat() -> bytes:
    """Make a picture with flat surroundings of each kind: alike, columns, rows."""
    picture = np.full((40, 48, 3), 240, np.uint8)
    picture[5:30, 8:10] = picture[28:30, 8:40] = 20
    picture[8:24:2, 14:20] = (200, 30, 60)
    picture[8:24, 24:36] = (np.arange(12) * 20)[None, :, None]
    return b"P6 48 40 255\n" + picture.tobytes()


def encode_raster(original: bytes, coder: int) -> tuple[bytes, Encoded]:
    """Encode a file with one of the coders that mix, whichever is smallest."""
    raster = find_open_raster(original)
    if raster is None:
        raise SystemExit("the picture is not found in its file")
    rows, layout = take_rows(original, raster), raster.layout
    payload = b"\0" + pack_raster(original, raster, bytes([coder]) + (encode_mixed(rows, layout, coder) or b""))
    return original, Encoded(payload)


def make_picture() -> "np.ndarray":
    row, column = np.mgrid[0:13, 0:18]
    return np.stack([row * 9, column * 11, row * column], axis=-1).astype(np.uint8)


def save(name: str, **options: bool) -> bytes:
    out = io.BytesIO()
    Image.fromarray(make_picture()).save(out, name, **options)
    return out.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
