"""The parameters of zlib: as a few bytes, and searched for."""

from dataclasses import dataclass

import numpy as np

from panini_daemon.compressors.deflate.following import DEFAULT, FILTERED, HUFFMAN, LAST_FAST, RUNS, follow
from panini_daemon.compressors.deflate.tables import Bytes, Ints, Longs
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.protocol import Level

_ZLIB = 1
_SAMPLE = 1 << 16
_ORDER = (6, 9, 8, 7, 5, 4, 1, 3, 2)
_CLOSE = 3
_NEAR, _FAR = 4096, 32767


@dataclass(frozen=True, slots=True)
class Setting:
    """Level, strategy, logarithm of the window's size, and memLevel, as deflateInit2 takes them."""

    level: int
    strategy: int
    window: int
    memory: int
    far: bool = False
    """Whether a match of three bytes may be as far away as any; usually it may be 4096 bytes away."""

    @property
    def encoder(self) -> bytes:
        """The same in three bytes."""
        return bytes([_ZLIB, self.level | self.strategy << 4 | self.far << 7, self.memory | self.window << 4])

    @property
    def numbers(self) -> Ints:
        """What the kernels take: level, strategy, shift and bits of the hash, bits of the window, how far is near."""
        bits = self.memory + 7
        near = _FAR if self.far else _NEAR
        return np.array([self.level, self.strategy, (bits + 2) // 3, bits, self.window, near], np.int32)

    @property
    def block(self) -> int:
        """Tokens of a full block."""
        return (1 << (self.memory + 6)) - 1


def read_setting(encoder: bytes) -> Setting:
    """Read the three bytes. Raises PayloadDamaged."""
    if len(encoder) == 3 and encoder[0] == _ZLIB:
        level, strategy, far = encoder[1] & 15, encoder[1] >> 4 & 7, bool(encoder[1] >> 7)
        setting = Setting(level, strategy, encoder[2] >> 4, encoder[2] & 15, far)
        if 1 <= setting.level <= 9 and setting.strategy <= RUNS and setting.window >= 9 and 1 <= setting.memory <= 9:
            return setting
    raise PayloadDamaged(
        f"a deflate stream names the encoder {encoder[:8].hex() or 'none'}; this is none of those known; "
        "restore compressed.bin from a copy or update panini-daemon"
    )


def search_setting(
    content: Bytes, told: Ints, memory: int, window_bits: int, most: int, effort: Level
) -> tuple[Setting, Longs, Ints, Longs] | None:
    """Find the parameters that predict the tokens best: with them the notes, all tokens, and those of stored bytes.

    `memory` is the memLevel that the blocks' lengths tell, 0 where they tell none. None where there would be more
    than `most` notes.
    """
    sample = _cut(content, told)
    ranked: list[tuple[int, Setting]] = []
    bound = most
    for setting in _list_settings(memory, window_bits, effort):
        found = _run(*sample, setting, bound)
        if found is not None:
            ranked.append((len(found[1]), setting))
            bound = min(bound, len(found[1]))
            if not bound and len(sample[0]) == len(content):
                break
    best = None
    for _, setting in sorted(ranked, key=lambda one: one[0])[:_CLOSE]:
        found = _run(content, told, setting, most)
        if found is not None and (best is None or len(found[1]) < len(best[1])):
            best, most = found, len(found[1])
        if best is not None and not most:
            break
    return best


def _list_settings(memory: int, window_bits: int, effort: Level) -> list[Setting]:
    windows, memories = sorted({max(window_bits, 9), 15}), [memory] if memory else [8, 9]
    quick = effort in (Level.FAST, Level.BALANCED)
    found = [
        Setting(level, strategy, window, one)
        for window in windows
        for one in memories
        for strategy in (DEFAULT, FILTERED)
        for level in (_ORDER[:2] if quick and strategy == FILTERED else _ORDER)
        if strategy == DEFAULT or level > LAST_FAST
    ]
    found += [Setting(level, DEFAULT, 15, one, far=True) for one in memories for level in (9, 6)]
    plain = [Setting(6, strategy, 15, one) for strategy in (HUFFMAN, RUNS) for one in memories]
    return [*found, *plain]


def _cut(content: Bytes, told: Ints) -> tuple[Bytes, Ints]:
    """Cut off a sample that ends with a token."""
    lengths = np.where(told < 0, -told, np.maximum(told >> 16 & 511, 1))
    ends = np.cumsum(lengths)
    count = int(np.searchsorted(ends, _SAMPLE, side="right"))
    if count == len(told) or not count:
        return content, told
    return content[: int(ends[count - 1])], told[:count]


def _run(content: Bytes, told: Ints, setting: Setting, most: int) -> tuple[Setting, Longs, Ints, Longs] | None:
    notes, tokens = np.zeros((most, 2), np.int64), np.empty(content.size + 1, np.int32)
    counts = np.zeros(int((told < 0).sum()) + 1, np.int64)
    count, noted = follow(content, setting.numbers, told, most, notes, tokens, counts)
    return None if count < 0 else (setting, notes[:noted], tokens[:count], counts)
