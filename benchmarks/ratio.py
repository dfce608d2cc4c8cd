"""Measure each level on every file in a folder, beside gzip, xz, zstd and brotli at their strongest.

    python benchmarks/ratio.py [FOLDER] [--levels fast,balanced,best,max] [--json]

A `!` behind a size marks where `best` is larger than the smallest of the four.
"""

import argparse
import gzip
import json
import lzma
import time
from pathlib import Path

import brotli
import zstandard

from panini_daemon.compressors import Level, Registry, compress, decompress

_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data"
_OTHERS = ("gzip", "xz", "zstd", "brotli")


def measure_others(data: bytes) -> dict[str, int]:
    """Compress with gzip -9, xz -9e, zstd -19 or --ultra -22 --long, brotli -11; sizes in bytes."""
    long = zstandard.ZstdCompressionParameters.from_level(22, window_log=27, enable_ldm=True)
    return {
        "gzip": len(gzip.compress(data, 9)),
        "xz": len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)),
        "zstd": min(
            len(zstandard.ZstdCompressor(level=19).compress(data)),
            len(zstandard.ZstdCompressor(compression_params=long).compress(data)),
        ),
        "brotli": len(brotli.compress(data, quality=11, lgwin=24)),
    }


def measure(data: bytes, level: Level, registry: Registry) -> dict[str, object]:
    """Compress by `auto` at one level and decode; sizes in bytes, times in seconds."""
    start = time.perf_counter()
    result = compress(data, registry=registry, level=level)
    middle = time.perf_counter()
    back = decompress(
        result.payload,
        registry=registry,
        method=result.method,
        parameters=result.parameters,
        size=len(data),
    )
    if back != data:
        raise SystemExit(f"{result.method} does not give its data back")
    return {
        "method": result.method,
        "parameters": dict(result.parameters),
        "size": len(result.payload),
        "seconds": round(middle - start, 3),
        "decode_seconds": round(time.perf_counter() - middle, 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=_DEFAULT)
    parser.add_argument("--levels", default=",".join(Level))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    levels = [Level(name) for name in options.levels.split(",")]
    registry = Registry()
    rows: list[dict[str, object]] = []
    if not options.json:
        print(f"{'file':<22}{'bytes':>9}" + "".join(f"{name:>9}" for name in _OTHERS), end="")
        print("".join(f"  {level:>9} {'method':<18}{'s':>6}{'s out':>6}" for level in levels))
    for path in sorted(path for path in options.folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        others = measure_others(data)
        row: dict[str, object] = {"file": path.name, "bytes": len(data), **others}
        line = f"{path.name:<22}{len(data):>9}" + "".join(f"{others[name]:>9}" for name in _OTHERS)
        for level in levels:
            found = measure(data, level, registry)
            row[level.value] = found
            worse = level is Level.BEST and int(str(found["size"])) > min(others.values())
            line += f"  {found['size']:>9}{'!' if worse else ' '}{found['method']:<18}"
            line += f"{found['seconds']:>6}{found['decode_seconds']:>6}"
        rows.append(row)
        if not options.json:
            print(line, flush=True)
    if options.json:
        print(json.dumps(rows, indent=1))
    elif rows:
        print_totals(rows, levels)


def print_totals(rows: list[dict[str, object]], levels: list[Level]) -> None:
    """Print the sums of each column."""

    def total(name: str) -> int:
        return sum(int(str(row[name])) for row in rows)

    line = f"{'all':<22}{total('bytes'):>9}" + "".join(f"{total(name):>9}" for name in _OTHERS)
    for level in levels:
        cells = [row[level.value] for row in rows]
        size = sum(cell["size"] for cell in cells if isinstance(cell, dict))
        seconds = sum(cell["seconds"] for cell in cells if isinstance(cell, dict))
        line += f"  {size:>9} {total('bytes') / max(seconds, 1e-9) / 1e6:>10.2f} MB/s{'':>15}"
    print(line)


if __name__ == "__main__":
    main()
