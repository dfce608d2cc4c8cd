"""One file that holds a model: sizes, vocabulary and exact weights. Its SHA-256 is the model's name.

8 bytes     PNNMODL1
8 bytes     length of the header, little-endian
header      JSON, keys sorted: shape, vocabulary, tensors {name: {type, shape, offset}}, source, golden
tensors     little-endian, each at a multiple of 64 bytes after the header's end
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from panini_daemon.compressors.errors import ModelDamaged
from panini_daemon.compressors.exact.model import Shape
from panini_daemon.compressors.language.vocabulary import Vocabulary, byte_pair_merges

MAGIC = b"PNNMODL1"
_ALIGN = 64
_TYPES = {"int8": "<i1", "float32": "<f4"}


@dataclass(frozen=True, slots=True, eq=False)
class ModelFile:
    """What a model file holds: `pairs` are the vocabulary's merges in order of rank, `source` is its origin."""

    shape: Shape
    tokens: tuple[bytes, ...]
    pairs: tuple[tuple[int, int], ...]
    nibbles: tuple[int, ...]
    start: int
    tensors: Mapping[str, Tensor]
    source: str
    golden: str = ""
    """The SHA-256 of the numbers that every device must compute (see self_test)."""

    def vocabulary(self) -> Vocabulary:
        """Make the vocabulary."""
        merges = byte_pair_merges(self.tokens, [(self.tokens[left], self.tokens[right]) for left, right in self.pairs])
        return Vocabulary(self.tokens, merges, self.nibbles, self.start)

    def to_bytes(self) -> bytes:
        """Return the file: the same bytes on every machine."""
        table: dict[str, Any] = {}
        pieces: list[bytes] = []
        offset = 0
        for name in sorted(self.tensors):
            kind = str(self.tensors[name].dtype).removeprefix("torch.")
            values = self.tensors[name].contiguous().numpy().astype(_TYPES[kind]).tobytes()
            table[name] = {"type": kind, "shape": list(self.tensors[name].shape), "offset": offset}
            pieces.append(values + bytes(-len(values) % _ALIGN))
            offset += len(pieces[-1])
        header = json.dumps(
            {
                "shape": asdict(self.shape),
                "vocabulary": {
                    "tokens": [token.hex() for token in self.tokens],
                    "merges": self.pairs,
                    "nibbles": self.nibbles,
                    "start": self.start,
                },
                "tensors": table,
                "source": self.source,
                "golden": self.golden,
            },
            sort_keys=True,
            separators=(",", ":"),
        ).encode()
        return b"".join([MAGIC, len(header).to_bytes(8, "little"), header, *pieces])


def parse_model(data: bytes, expected: str = "") -> ModelFile:
    """Read a model file's bytes. Raises ModelDamaged, also where its SHA-256 is not the `expected` one."""
    found = hashlib.sha256(data).hexdigest() if expected else ""
    if found != expected:
        raise ModelDamaged(
            f"the model file has SHA-256 {found}; expected {expected}; delete it and run `panini-daemon models fetch`"
        )
    try:
        return _parse(data)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelDamaged(
            f"the model file is none that this program wrote ({error!r}); run `panini-daemon models fetch`"
        ) from error


def _parse(data: bytes) -> ModelFile:
    if data[:8] != MAGIC:
        raise ValueError(f"it begins with {data[:8]!r}")
    start = 16 + int.from_bytes(data[8:16], "little")
    header = json.loads(data[16:start])
    buffer = bytearray(memoryview(data)[start:])
    tensors: dict[str, Tensor] = {}
    for name, entry in header["tensors"].items():
        kind = np.dtype(_TYPES[entry["type"]])
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(buffer, kind, count, entry["offset"]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.astype(kind.newbyteorder("="), copy=False))
    words = header["vocabulary"]
    shape = header["shape"] | {"limbs": tuple(header["shape"]["limbs"])}
    return ModelFile(
        shape=Shape(**shape),
        tokens=tuple(bytes.fromhex(token) for token in words["tokens"]),
        pairs=tuple((left, right) for left, right in words["merges"]),
        nibbles=tuple(words["nibbles"]),
        start=words["start"],
        tensors=tensors,
        source=header["source"],
        golden=header["golden"],
    )
