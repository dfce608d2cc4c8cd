"""docs/audio.md is enough: a decoder of audio_ols_v1 that was written from it decodes what is frozen."""

import json
import math
import zlib
from pathlib import Path
from typing import Any

import pytest
from fakes.page_mixing import Counted, Decoder, Mixer, Refinement, cut, shift_left, squash, stretch

GOLDEN = Path(__file__).parents[1] / "golden/compressors/audio_ols_v1"
CASES = [folder for folder in sorted(GOLDEN.iterdir()) if "history" not in folder.name]


@pytest.mark.slow
@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_decoder_written_from_the_page_decodes_what_is_frozen(folder: Path) -> None:
    payload, told = (folder / "payload.bin").read_bytes(), json.loads((folder / "parameters.json").read_text())
    end = 4 + int.from_bytes(payload[:4], "little")
    others = zlib.decompress(payload[end:], -15)
    samples = b"".join(write(number, told) for number in read_samples(payload[4:end], told))
    file = others[: told["offset"]] + samples + others[told["offset"] :]
    assert file == (folder / "original.bin").read_bytes()


def write(number: int, told: dict[str, Any]) -> bytes:
    number = number * told["step"] + (0 if told["signed"] else 128)
    return number.to_bytes(told["width"], "big" if told["big"] else "little", signed=told["signed"])


def read_samples(stream: bytes, told: dict[str, Any]) -> list[int]:
    channels = told["channels"]
    shift = {1: 8, 2: 5, 3: 2}[told["width"]]
    most = 1 << 8 * told["width"] - 1 + shift
    coder, frames = Differences(stream, channels), [[0] * channels]
    frames.clear()
    states = [Channel(32 + 16 * min(channels - 1, 2), told["width"]) for _ in range(channels)]
    for number in range(told["frames"]):
        frames.append([])
        for channel, state in enumerate(states):
            seen = look(frames, number, channel, channels)
            guess = cut(sum(map(int.__mul__, state.weights, seen)) >> 20 - shift, most)
            guesses = [cut(one.guess(), most) for one in state.filters]
            whole = cut(guess + sum(guesses), most) + (1 << shift) // 2
            fraction = (whole & (1 << shift) - 1) * 32 >> shift
            sample = (whole >> shift) + coder.read(channel, fraction)
            frames[-1].append(sample)
            left = (sample << shift) - guess
            for one, foretold in zip(state.filters, guesses, strict=True):
                one.learn(left, left - foretold)
                left -= foretold
            state.add(seen, sample)
            if number % 8 == 0:
                state.solve()
    return [sample for frame in frames for sample in frame]


def look(frames: list[list[int]], number: int, channel: int, channels: int) -> list[int]:
    def past(which: int, first: int, count: int) -> list[int]:
        return [frames[at][which] if at >= 0 else 0 for at in range(first, first - count, -1)]

    seen = past(channel, number - 1, 32)
    for before in range(1, min(channels - 1, 2) + 1):
        which = (channel - before) % channels
        seen += past(which, number if which < channel else number - 1, 16)
    return seen


class Filter:
    """One of the cascade: what it saw, newest first, and its weights."""

    def __init__(self, length: int, rate: int) -> None:
        self.rate, self.seen, self.weights = rate, [0] * length, [0] * length

    def guess(self) -> int:
        return sum(map(int.__mul__, self.weights, self.seen)) >> 20

    def learn(self, entered: int, left: int) -> None:
        if left:
            energy = sum(value * value for value in self.seen)
            gain = cut((left << 34) // (energy + 16 * len(self.seen) + 1), 1 << 40) >> 8 + self.rate
            moved = (weight + (gain * value + 32 >> 6) for weight, value in zip(self.weights, self.seen, strict=True))
            self.weights = [cut(weight, 1 << 24) for weight in moved]
        self.seen = [entered, *self.seen[:-1]]


class Channel:
    """Least squares and filters of one channel."""

    def __init__(self, count: int, width: int) -> None:
        self.lift = 53 - 16 * width
        self.weights = [1 << 20] + [0] * (count - 1)
        self.products, self.targets = [[0] * count for _ in range(count)], [0] * count
        self.filters = [Filter(256, 7), Filter(32, 6), Filter(16, 5)]

    def add(self, seen: list[int], sample: int) -> None:
        for one, value in enumerate(seen):
            row = self.products[one]
            for other in range(one + 1):
                row[other] += (value << self.lift) * seen[other] - (row[other] >> 9)
                self.products[other][one] = row[other]
            self.targets[one] += (value << self.lift) * sample - (self.targets[one] >> 9)

    def solve(self) -> None:
        count = len(self.weights)
        largest = max(self.products[at][at] for at in range(count))
        bits = largest.bit_length()
        if not largest:
            return
        rest = [
            (self.targets[at] << 20) - sum(map(int.__mul__, self.products[at], self.weights)) for at in range(count)
        ]
        if max(abs(value >> 30) for value in rest).bit_length() > 2 + bits:
            return
        factor: list[list[int]] = []
        for one in range(count):
            row: list[int] = []
            for other in range(one + 1):
                value = shift_left(self.products[one][other], 54 - bits)
                value -= sum(row[at] * (factor[other] if other < one else row)[at] for at in range(other))
                if one == other:
                    row.append(min(math.isqrt(max(value, 0) + (1 << 34)), 1 << 28))
                else:
                    row.append(cut(value // factor[other][other], 1 << 28))
            factor.append(row)
        half: list[int] = []
        for one in range(count):
            value = shift_left(rest[one] >> 30, 58 - bits) + shift_left(rest[one] & (1 << 30) - 1, 28 - bits) << 28
            half.append(divide(value - sum(map(int.__mul__, factor[one], half)), factor[one][one]))
        change = [0] * count
        for one in reversed(range(count)):
            value = (half[one] << 26) - sum(factor[at][one] * change[at] for at in range(one + 1, count))
            change[one] = divide(value, factor[one][one])
            self.weights[one] = cut(self.weights[one] + (change[one] + (1 << 27) >> 28), 1 << 26)


def divide(numerator: int, pivot: int) -> int:
    whole = (numerator >> 28) // pivot
    if abs(whole) >= 1 << 28:
        return (1 << 56) if whole > 0 else -(1 << 56)
    return numerator // pivot


class Differences:
    """What guesses were off."""

    def __init__(self, stream: bytes, channels: int) -> None:
        self.coder, self.channels = Decoder(stream), channels
        self.chances, self.refinement = Counted(255), Refinement(6)
        self.mixers = Mixer(65536 // 6, 8), Mixer(65536 // 6, 8)
        self.means = [[0, 0, 0] for _ in range(channels)]
        self.sizes = [[0, 0, 0] for _ in range(channels)]

    def read(self, channel: int, fraction: int) -> int:
        q, m, long = (step(mean >> 4) for mean in self.means[channel])
        last, before, earlier = self.sizes[channel]
        beside = self.sizes[(channel - 1) % self.channels][0] if self.channels > 1 else earlier
        a, b, c = (step(4 * size) for size in (last, before, beside))
        contexts = [("q", q), ("m", m), ("l", long), ("mc", m >> 1, c), ("ab", a >> 1, b), ("f", min(m, 31), fraction)]

        def ask(question: int, kind: int) -> int:
            return self._bit(channel, q, m, [(channel, *one, question) for one in contexts], kind)

        count = 0
        while count < 30 and ask(count, count):
            count += 1
        known = 1
        for at in range(count):
            known = known << 1 | (ask(32 + 4 * count + known, 31 + at) if at < 2 else self.coder.bit(1 << 15))
        folded = known - 1
        difference = (folded + 1) // 2 if folded & 1 else -(folded // 2)
        for at, rate in enumerate((3, 5, 8)):
            self.means[channel][at] += 16 * abs(difference) - self.means[channel][at] >> rate
        self.sizes[channel] = [abs(difference), last, before]
        return difference

    def _bit(self, channel: int, q: int, m: int, keys: list[tuple[object, ...]], kind: int) -> int:
        inputs = [stretch(self.chances.chance(key)) for key in keys] + [256]
        places = (channel, kind), (channel, m, kind)
        odds = [mixer.odds(place, inputs) for mixer, place in zip(self.mixers, places, strict=True)]
        both = sum(odds) >> 1
        chance = squash(both) + self.refinement.chance((channel, q, kind), both) >> 1
        bit = self.coder.bit(min(max(chance, 32), 65504))
        for mixer, place, own in zip(self.mixers, places, odds, strict=True):
            mixer.learn(place, inputs, own, bit)
        self.refinement.learn((channel, q, kind), both, bit)
        for key in keys:
            self.chances.learn(key, bit)
        return bit


def step(distance: int) -> int:
    """Twice the bits beyond two, one more where the two highest are 3, one more where it is not 0, at most 63."""
    beyond = max(distance.bit_length() - 2, 0)
    return min(2 * beyond + (distance >> beyond >= 3) + (distance > 0), 63)
