"""Measure text_lm_v1 on files, beside xz, zstd, brotli, bzip2, the PPMd codecs and zpaq, and what more lanes cost.

    python benchmarks/text.py FILE [FILE ...] [--bytes 40000] [--lanes 1,16,64] [--device cpu] [--decode]

Needs `panini-daemon models fetch` once. On a CPU count with minutes for each 10 kB and lane setting. zpaq is measured
where the program is installed.
"""

import argparse
import bz2
import lzma
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import brotli
import zstandard

from panini_daemon.compressors import Context, Device, Kind, Level, Registry
from panini_daemon.compressors.language.wrapping import unwrap
from panini_daemon.compressors.models.catalogue import DEFAULT
from panini_daemon.compressors.models.runtime import load_runtime
from panini_daemon.compressors.models.shelf import Shelf, own_folder
from panini_daemon.compressors.text_lm import WINDOW


def measure_others(data: bytes) -> dict[str, int]:
    """Compress with the libraries at their strongest; sizes in bytes."""
    registry, context = Registry(), Context(Level.MAX, Kind.TEXT)
    sizes = {
        "xz": len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)),
        "zstd": len(zstandard.ZstdCompressor(level=22).compress(data)),
        "brotli": len(brotli.compress(data, quality=11, lgwin=24)),
        "bzip2": len(bz2.compress(data, 9)),
    }
    for method in ("generic_ppmd_v1", "text_ppmd_v1"):
        sizes[method] = len(registry.get(method).compress(data, context).payload)
    if program := shutil.which("zpaq"):
        sizes["zpaq -m5"] = measure_zpaq(program, data)
    return sizes


def measure_zpaq(program: str, data: bytes) -> int:
    """Put `data` into an archive at zpaq's strongest method; the size of the archive in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data").write_bytes(data)
        command = [program, "add", "archive.zpaq", "data", "-method", "5", "-threads", "1"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return (Path(folder) / "archive.zpaq").stat().st_size


def ignore_progress(done: int, total: int) -> None:
    """Tell nobody."""
    del done, total


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--bytes", type=int, default=40_000, help="how much of each file")
    parser.add_argument("--lanes", default="1")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--decode", action="store_true", help="decode, too, and compare")
    options = parser.parse_args()
    path = Shelf([own_folder()]).find(DEFAULT.digest)
    runtime = load_runtime(path, DEFAULT.digest, Device(options.device))
    for file in options.files:
        with file.open("rb") as opened:
            data = opened.read(options.bytes)
        print(f"{file.name}, {len(data)} bytes")
        for name, size in measure_others(data).items():
            print(f"  {name:<18}{size:>9}  {8 * size / len(data):.3f} bits a byte")
        text = unwrap(data)
        tokens = runtime.vocabulary.encode(text.text)
        for lanes in map(int, options.lanes.split(",")):
            start = time.perf_counter()
            (stream,) = runtime.encode([tokens], [lanes], WINDOW, ignore_progress)
            seconds = time.perf_counter() - start
            size = len(stream) + len(text.breaks)
            line = f"  {f'text_lm_v1, {lanes} lane(s)':<18}{size:>9}  {8 * size / len(data):.3f} bits a byte"
            line += f"  {len(data) / seconds / 1000:.2f} kB/s"
            if options.decode:
                start = time.perf_counter()
                if runtime.decode([(stream, len(tokens), lanes)], WINDOW, ignore_progress) != [tokens]:
                    raise SystemExit("it does not decode")
                line += f", back at {len(data) / (time.perf_counter() - start) / 1000:.2f} kB/s"
            print(line, flush=True)


if __name__ == "__main__":
    main()
