"""Measure the levels on files of many formats, beside xz and zstd, and for images JPEG XL and WebP.

    python benchmarks/formats.py FOLDER [--levels balanced,best] [--types png,jpg] [--limit 50] [--json] [--chunked]

FOLDER has a folder for each type, as benchmarks/corpus.py makes it. Every result is decoded and compared. For PNG jxl
and webp are the decoded picture as JPEG XL (effort 9) and lossless WebP, which do not bring the file back; for JPEG,
jxl is JPEG XL's transcode, which does. Of deflate streams in PNG and gzip files it is counted how many are undone.
With --chunked nothing but this is measured: the files cut into chunks, through the daemon, beside each as one chunk.
"""

import argparse
import io
import json
import lzma
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import zstandard
from chunked import measure_chunked
from PIL import Image

from panini_daemon.compressors import Level, Registry, compress, decompress
from panini_daemon.compressors.deflate import undo


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--levels", default="balanced,best")
    parser.add_argument("--types", default="")
    parser.add_argument("--limit", type=int, default=1_000_000, help="files of each type at most")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--chunked", action="store_true", help="through the daemon, cut and whole")
    options = parser.parse_args()
    levels = [Level(name) for name in options.levels.split(",")]
    types = options.types.split(",") if options.types else sorted(path.name for path in options.folder.iterdir())
    registry = Registry()
    found = {}
    for type_ in types:
        paths = sorted((options.folder / type_).iterdir())
        if len(paths) > options.limit:
            paths = [paths[at * len(paths) // options.limit] for at in range(options.limit)]
        if options.chunked:
            found[type_] = {level: measure_chunked(paths, level) for level in levels}
        else:
            found[type_] = measure_type(paths, levels, registry)
        if not options.json:
            (_show_chunked if options.chunked else _show)(type_, found[type_], levels)
    if options.json:
        print(json.dumps(found, indent=1))


def measure_type(paths: list[Path], levels: list[Level], registry: Registry) -> dict[str, Any]:
    """Measure files of one type; sizes in bytes, times in seconds."""
    sums: Counter[str] = Counter()
    methods: dict[str, Counter[str]] = {level: Counter() for level in levels}
    times: Counter[str] = Counter()
    for path in paths:
        data = path.read_bytes()
        sums["files"] += 1
        sums["bytes"] += len(data)
        sums["xz"] += len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
        sums["zstd"] += len(zstandard.ZstdCompressor(level=19).compress(data))
        sums.update(_measure_pictures(data))
        sums.update(_count_streams(data))
        for level in levels:
            start = time.perf_counter()
            result = compress(data, registry=registry, level=level)
            middle = time.perf_counter()
            told = {"method": result.method, "parameters": result.parameters, "size": len(data)}
            if decompress(result.payload, registry=registry, **told) != data:  # type: ignore[arg-type]
                raise SystemExit(f"{path}: {result.method} does not give its data back")
            times[f"{level} in"] += middle - start
            times[f"{level} out"] += time.perf_counter() - middle
            sums[level] += len(result.payload)
            methods[level][result.method] += 1
    return {**sums, "methods": methods, "seconds": {name: round(value, 6) for name, value in times.items()}}


def _measure_pictures(data: bytes) -> dict[str, int]:
    """Return what JPEG XL and WebP make of a picture, nothing for what is none."""
    import imagecodecs  # noqa: PLC0415

    if data[:3] == b"\xff\xd8\xff":
        try:
            return {"jxl": len(imagecodecs.jpegxl_encode_jpeg(data))}
        except (imagecodecs.JpegxlError, RuntimeError, ValueError):
            return {"jxl": len(data)}
    if data[:4] != b"\x89PNG":
        return {}
    try:
        with Image.open(io.BytesIO(data)) as picture:
            image = picture.convert("RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB")
    except (OSError, SyntaxError, ValueError):
        return {"jxl": len(data), "webp": len(data)}
    import numpy as np  # noqa: PLC0415

    webp = io.BytesIO()
    image.save(webp, "WEBP", lossless=True, quality=100, method=6, exact=True)
    jxl = imagecodecs.jpegxl_encode(np.asarray(image), lossless=True, effort=9)
    return {"jxl": len(jxl), "webp": len(webp.getvalue())}


def _count_streams(data: bytes) -> dict[str, int]:
    """Undo the stream of a PNG or gzip file; count it, its bytes, and those of what redoing it needs."""
    window, stream = 15, b""
    if data[:4] == b"\x89PNG":
        at = 8
        while at + 8 <= len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            if data[at + 4 : at + 8] == b"IDAT":
                stream += data[at + 8 : at + 8 + size]
            at += size + 12
        window, stream = (stream[0] >> 4) + 8 if stream else 15, stream[2:]
    elif data[:3] == b"\x1f\x8b\x08":
        name = data.index(b"\0", 10) + 1 if data[3] & 8 else 10
        stream = data[name:] if not data[3] & 0b10110 else b""
    if not stream:
        return {}
    try:
        zlib.decompressobj(-15).decompress(stream)
    except zlib.error:
        return {}
    undone = undo(stream, window_bits=window, limit=1 << 28, effort=Level.BEST)
    if undone is None:
        return {"streams": 1, "stream bytes": len(stream)}
    side = len(undone.corrections) + len(undone.encoder)
    return {"streams": 1, "undone": 1, "stream bytes": len(stream), "side data": side}


def _show_chunked(type_: str, found: dict[str, Any], levels: list[Level]) -> None:
    for level in levels:
        cut, whole = found[level]["cut"], found[level]["whole"]
        more = 100 * (cut["payloads"] / whole["payloads"] - 1)
        print(
            f"{type_} {level}: {whole['chunks']} files as {cut['chunks']} chunks: payloads {cut['payloads']}, "
            f"whole {whole['payloads']} ({more:+.2f} %); recipes {cut['recipes']}, whole {whole['recipes']}",
            flush=True,
        )


def _show(type_: str, found: dict[str, Any], levels: list[Level]) -> None:
    size = found["bytes"]
    print(f"{type_}: {found['files']} files, {size} bytes")
    for name in ("xz", "zstd", "jxl", "webp"):
        if name in found:
            print(f"  {name:<9}{found[name]:>11}  {found[name] / size:.3f}")
    for level in levels:
        seconds = found["seconds"]
        rates = [size / 1e6 / max(seconds[f"{level} {way}"], 1e-9) for way in ("in", "out")]
        told = ", ".join(f"{name} {count}" for name, count in found["methods"][level].most_common())
        speed = f"{rates[0]:.2f} MB/s in, {rates[1]:.2f} out"
        print(f"  {level:<9}{found[level]:>11}  {found[level] / size:.3f}  {speed}; {told}", flush=True)
    if "streams" in found:
        share = found.get("undone", 0) / found["streams"]
        side = found.get("side data", 0) / found["stream bytes"]
        print(f"  deflate: {share:.1%} of {found['streams']} streams undone, side data {side:.2%}")


if __name__ == "__main__":
    main()
