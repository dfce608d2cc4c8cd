"""Measure what each part of text_lm_v1 brings: the model alone, mixed with what the text shows, then corrected.

    python benchmarks/mixing.py FILE [FILE ...] [--bytes 40000]

Needs `panini-daemon models fetch` once; in one lane, on the CPU: count with minutes for each 10 kB.
"""

import argparse
import math
from collections import defaultdict
from pathlib import Path

import torch

from panini_daemon.compressors import Device
from panini_daemon.compressors.exact.frequencies import interval_of, spread
from panini_daemon.compressors.language.codec import count_memory_bits
from panini_daemon.compressors.language.lanes import Layout
from panini_daemon.compressors.language.logistic import ONE
from panini_daemon.compressors.language.mixture import CANDIDATES, TOTAL_BITS, share_out
from panini_daemon.compressors.language.steps import Settings, Steps
from panini_daemon.compressors.language.wrapping import unwrap
from panini_daemon.compressors.models.catalogue import DEFAULT
from panini_daemon.compressors.models.runtime import Runtime, load_runtime
from panini_daemon.compressors.models.shelf import Shelf, own_folder
from panini_daemon.compressors.text_lm import WINDOW


@torch.inference_mode()
def measure_parts(tokens: list[int], runtime: Runtime) -> dict[str, float]:
    """Return the bits that a text costs `alone`, `mixed` and `corrected`, and `escapes` of the last two."""
    layout = Layout.of([len(tokens)], [1])
    settings = Settings(WINDOW, runtime.vocabulary.start, count_memory_bits(len(tokens)))
    steps, rows = Steps(runtime.model, layout, settings), layout.arrange([tokens])
    nothing = torch.zeros((1, 0), dtype=torch.int64)
    bits: dict[str, float] = defaultdict(float)
    for at, frequencies in enumerate(steps.known_frequencies(rows)):
        token, prediction = rows[:, at], steps.mixture.predict(frequencies)
        bits["alone"] += _cost(frequencies, nothing, token)
        hit = (prediction.tokens == token)[0]
        place = int(hit.long().argmax()) if hit.any() else CANDIDATES
        before = share_out(prediction.mixed.clamp(1, ONE - 1))
        bits["mixed"] += TOTAL_BITS - math.log2(int(before[0, place]))
        bits["corrected"] += TOTAL_BITS - math.log2(int(prediction.chances[0, place]))
        if place == CANDIDATES:
            bits["escapes"] += _cost(frequencies, prediction.tokens, token)
        steps.mixture.learn(prediction, token, torch.ones(1, dtype=torch.bool))
    return bits


def _cost(frequencies: torch.Tensor, without: torch.Tensor, token: torch.Tensor) -> float:
    interval = interval_of(spread(frequencies, without), token)
    return interval.bits - math.log2(int(interval.size))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--bytes", type=int, default=40_000, help="how much of each file")
    options = parser.parse_args()
    runtime = load_runtime(Shelf([own_folder()]).find(DEFAULT.digest), DEFAULT.digest, Device())
    for file in options.files:
        with file.open("rb") as opened:
            data = opened.read(options.bytes)
        text = unwrap(data)
        tokens = runtime.vocabulary.encode(text.text)
        bits = measure_parts(tokens, runtime)
        escapes, breaks = bits.pop("escapes"), 8 * len(text.breaks)
        print(f"{file.name}, {len(data)} bytes, {len(tokens)} tokens, line breaks {len(text.breaks)} bytes")
        for name, cost in bits.items():
            whole = cost + breaks + (escapes if name != "alone" else 0)
            print(f"  {name:<10}{whole / 8:>9.0f}  {whole / len(data):.3f} bits a byte", flush=True)
        print(f"  of which for tokens that are no candidates: {escapes / 8:.0f}")


if __name__ == "__main__":
    main()
