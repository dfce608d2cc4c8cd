"""Bytes to tokens and back.

Going back is joining the tokens' bytes, whatever made the tokens; so the way forth is free to change.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

NIBBLES = 16

_WORDS = re.compile(
    r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+|\d| ?(?:[^\s\w]|_)+|\s+(?=\d|$)|\s+(?!\S)|\s+",
)
"""Words with the space before them, single digits, punctuation, spaces: as byte-level models were trained."""
_CACHED = 1 << 16


@dataclass(frozen=True)
class Vocabulary:
    """The bytes of every token, and how tokens are merged from bytes (byte pair encoding).

    `merges` gives for a pair of tokens its rank and what it becomes; the lowest rank merges first. A byte
    without a token of its own is written as two of the 16 `nibbles`, high half first. A token that stands for
    no bytes (`<|endoftext|>`) has none.
    """

    tokens: Sequence[bytes]
    merges: Mapping[tuple[int, int], tuple[int, int]]
    nibbles: Sequence[int]
    start: int
    """The token that stands before every text; it is never coded."""

    @cached_property
    def _bytes(self) -> list[tuple[int, ...]]:
        """The tokens of each single byte."""
        single = {token: number for number, token in enumerate(self.tokens) if len(token) == 1}
        return [
            (single[bytes([byte])],) if bytes([byte]) in single else (self.nibbles[byte >> 4], self.nibbles[byte & 15])
            for byte in range(256)
        ]

    def encode(self, data: bytes) -> list[int]:
        """Return tokens whose bytes are `data`."""
        word_tokens = lru_cache(_CACHED)(self._merge)
        found: list[int] = []
        for word in split_words(data):
            found.extend(word_tokens(word))
        return found

    def decode(self, tokens: Sequence[int]) -> bytes:
        """Join tokens' bytes. Half a pair of nibbles counts for nothing."""
        half = {token: number for number, token in enumerate(self.nibbles)}
        pieces: list[bytes] = []
        high: int | None = None
        for token in tokens:
            nibble = half.get(token)
            if nibble is None:
                pieces.append(self.tokens[token])
                high = None
            elif high is None:
                high = nibble
            else:
                pieces.append(bytes([high << 4 | nibble]))
                high = None
        return b"".join(pieces)

    def _merge(self, word: bytes) -> tuple[int, ...]:
        parts = [token for byte in word for token in self._bytes[byte]]
        while len(parts) > 1:
            ranked = [
                (known[0], at, known[1])
                for at, pair in enumerate(pairwise(parts))
                if (known := self.merges.get(pair)) is not None
            ]
            if not ranked:
                break
            _, at, merged = min(ranked)
            parts[at : at + 2] = [merged]
        return tuple(parts)


def split_words(data: bytes) -> Iterator[bytes]:
    """Cut bytes into words, in order and without a gap. What is not UTF-8 is kept as it is."""
    for word in _WORDS.findall(data.decode("utf-8", "surrogateescape")):
        yield word.encode("utf-8", "surrogateescape")


def byte_pair_merges(
    tokens: Sequence[bytes], pairs: Sequence[tuple[bytes, bytes]]
) -> dict[tuple[int, int], tuple[int, int]]:
    """Turn merges in order of rank into numbers; pairs whose parts or whole are no tokens are left out."""
    number = {token: at for at, token in enumerate(tokens) if token}
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for rank, (left, right) in enumerate(pairs):
        if left in number and right in number and left + right in number:
            found.setdefault((number[left], number[right]), (rank, number[left + right]))
    return found
