"""What the daemon costs: its throughput against the same codec in a bare loop over the same bytes.

`python benchmarks/throughput.py` makes 1,000 chunks of 64 KiB and 20 of 16 MiB, runs each case with a bare
read-compress-decode-hash-write-fsync loop and with a running daemon, in turn, several times, and prints both rates,
their ratio, and the daemon's peak memory, compute processes included. The daemon has done one small job before, as one
that runs for days has; its time goes from the manifest's arrival to the receipt.
"""

import argparse
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from panini_daemon.compressors import Context, Device, Level, Registry
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import open_root
from panini_daemon.storage.submission import submit

METHOD = "generic_zstd_v1"
CASES = {"1000 x 64 KiB": (1000, 64 << 10), "20 x 16 MiB": (20, 16 << 20)}


@dataclass(frozen=True)
class Run:
    """One run: seconds of wall clock, peak resident bytes of all its processes."""

    seconds: float
    peak: int


def make_data(size: int) -> bytes:
    """Return `size` bytes of program text mixed with incompressible stretches, the same at every call."""
    library = Path(sysconfig.get_paths()["stdlib"])
    text = b"".join(path.read_bytes() for path in sorted(library.glob("*.py")))
    noise, pieces, length = random.Random(1), [], 0
    while length < size:
        at = noise.randrange(len(text) - 50_000)
        piece = text[at : at + noise.randrange(1000, 50_000)] + noise.randbytes(noise.randrange(0, 12_000))
        pieces.append(piece)
        length += len(piece)
    return b"".join(pieces)[:size]


def run_bare(chunks: list[Path], output: Path) -> float:
    """Read, compress, decode, hash, write and fsync each chunk; return the seconds."""
    codec, context = Registry().get(METHOD), Context(Level.FAST)
    start = time.perf_counter()
    for path in chunks:
        data = path.read_bytes()
        encoded = codec.compress(data, context)
        decoded = codec.decompress(encoded.payload, encoded.parameters, len(data), Device())
        if hashlib.sha256(decoded).digest() != hashlib.sha256(data).digest():
            raise SystemExit("the bare loop does not round-trip")
        with (output / path.name).open("wb") as file:
            file.write(encoded.payload)
            file.flush()
            os.fsync(file.fileno())
    return time.perf_counter() - start


def run_daemon(source: Path, chunk_size: int, root: Path) -> Run:
    """Start a daemon, let it do a small job, then submit the same bytes as the loop had and wait for the receipt."""
    store, clock = LocalStore(root), SystemClock()
    open_root(store, create=True, clock=clock)
    command = [sys.executable, "-m", "panini_daemon", "run", "--quiet", "--root", str(root)]
    command += ["--level", "fast", "--method", METHOD]
    process = subprocess.Popen(command)
    peaks: dict[int, int] = {}
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peaks, done))
    watcher.start()
    try:
        warm = root.parent / f"{root.name}-warm.bin"
        warm.write_bytes(source.read_bytes()[: 8 << 20])
        _wait_for(root, submit(store, [warm], clock=clock, chunk_size=1 << 20)[0].job_id)
        job = submit(store, [source], clock=clock, chunk_size=chunk_size)[0]
        begin = (root / job.manifest_path).stat().st_mtime
        end = _wait_for(root, job.job_id)
    finally:
        process.terminate()
        process.wait(30)
        done.set()
        watcher.join()
    return Run(end - begin, sum(peaks.values()))


def _wait_for(root: Path, job_id: str) -> float:
    """Return when the job's receipt appeared, in seconds since the epoch."""
    path, deadline = root / "done" / f"{job_id}.json", time.monotonic() + 300
    while time.monotonic() < deadline:
        if path.exists():
            return path.stat().st_mtime
        time.sleep(0.005)
    raise SystemExit(f"{job_id} was not done within 300 s; see {root}/logs")


def _watch(parent: int, peaks: dict[int, int], done: threading.Event) -> None:
    while not done.wait(0.05):
        children = Path(f"/proc/{parent}/task/{parent}/children")
        pids = [parent]
        for task in Path(f"/proc/{parent}/task").glob("*/children") if children.exists() else ():
            try:
                pids += [int(pid) for pid in task.read_text().split()]
            except OSError:
                continue
        for pid in pids:
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("VmHWM"):
                    peaks[pid] = int(line.split()[1]) * 1024


def compare(count: int, chunk_size: int, rounds: int) -> dict[str, float]:
    """Run one case `rounds` times in turn; return the medians."""
    bare, daemon, ratios, peaks = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="panini-bench-", dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        data = make_data(count * chunk_size)
        source = folder / "source.bin"
        source.write_bytes(data)
        (folder / "chunks").mkdir()
        chunks = []
        for number in range(count):
            path = folder / "chunks" / f"{number:05d}"
            path.write_bytes(data[number * chunk_size : (number + 1) * chunk_size])
            chunks.append(path)
        for number in range(rounds):  # nothing is deleted before the end: ext4 is slow to reuse fresh deletions
            output = folder / f"out-{number}"
            output.mkdir()
            bare.append(run_bare(chunks, output))
            run = run_daemon(source, chunk_size, folder / f"tree-{number}")
            daemon.append(run.seconds)
            peaks.append(run.peak)
            ratios.append(bare[-1] / run.seconds)
    megabytes = count * chunk_size / 1e6
    return {
        "bare_mb_per_s": round(megabytes / statistics.median(bare), 1),
        "daemon_mb_per_s": round(megabytes / statistics.median(daemon), 1),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_min": round(min(ratios), 2),
        "ratio_max": round(max(ratios), 2),
        "peak_mb": round(max(peaks) / 1e6),
    }


def main() -> None:
    """Print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = {name: compare(count, size, given.rounds) for name, (count, size) in CASES.items()}
    if given.json:
        print(json.dumps(results, indent=1))
        return
    print(f"{'case':16}{'bare MB/s':>12}{'daemon MB/s':>13}{'ratio':>8}{'(min-max)':>14}{'peak memory':>14}")
    for name, row in results.items():
        spread = f"({row['ratio_min']}-{row['ratio_max']})"
        print(
            f"{name:16}{row['bare_mb_per_s']:>12}{row['daemon_mb_per_s']:>13}{row['ratio']:>8}{spread:>14}"
            f"{row['peak_mb']:>11} MB"
        )


if __name__ == "__main__":
    main()
