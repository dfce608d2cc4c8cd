"""A language model of a few thousand weights, made from a seed by SHAKE-256, the same on every machine."""

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from panini_daemon.compressors.exact import tables
from panini_daemon.compressors.exact.model import Model, Shape
from panini_daemon.compressors.exact.products import Kernel
from panini_daemon.compressors.language.vocabulary import Vocabulary, byte_pair_merges
from panini_daemon.compressors.models.file import ModelFile
from panini_daemon.compressors.models.self_test import compute_golden
from panini_daemon.compressors.models.shelf import FILE

_PAIRS = [
    (b"t", b"h"),
    (b"th", b"e"),
    (b" ", b"the"),
    (b"a", b"n"),
    (b"an", b"d"),
    (b" ", b"and"),
    (b"i", b"n"),
    (b"e", b"r"),
]
_MISSING = frozenset({4, 6, 0xC0, 0xFF})


@cache
def tiny_vocabulary() -> Vocabulary:
    """Make 275 tokens: a start, 16 nibbles, the bytes but four, six merges."""
    tokens = [b""] * 17 + [bytes([byte]) for byte in range(256) if byte not in _MISSING]
    tokens += [left + right for left, right in _PAIRS]
    return Vocabulary(tokens, byte_pair_merges(tokens, _PAIRS), range(1, 17), 0)


@cache
def tiny_shape(positions: int = 128) -> Shape:
    cosines, sines = tables.make_rotations(positions, 16, 10000)
    return Shape(
        layers=2,
        width=64,
        heads=4,
        key_heads=2,
        head_width=16,
        feed_width=96,
        vocabulary=len(tiny_vocabulary().tokens),
        positions=positions,
        rope_base=10000,
        epsilon=1e-5,
        limbs=(2, 1, 2, 1, 2),
        rotations=tables.digest(torch.stack([cosines, sines])),
    )


@cache
def tiny_tensors(seed: str = "tiny") -> dict[str, Tensor]:
    shape = tiny_shape()
    sizes = {"embedding": (shape.vocabulary, shape.width)}
    vectors = {"final_norm": torch.ones(shape.width)}
    for number in range(shape.layers):
        heads = shape.heads + 2 * shape.key_heads
        sizes[f"layers.{number}.qkv"] = (heads * shape.head_width, shape.width)
        sizes[f"layers.{number}.output"] = (shape.width, shape.heads * shape.head_width)
        sizes[f"layers.{number}.gate_up"] = (2 * shape.feed_width, shape.width)
        sizes[f"layers.{number}.down"] = (shape.width, shape.feed_width)
        vectors[f"layers.{number}.attention_norm"] = torch.ones(shape.width)
        vectors[f"layers.{number}.feed_norm"] = torch.ones(shape.width)
        vectors[f"layers.{number}.value_scales"] = torch.full((shape.key_heads, 1, 1), 1 / 64)
    tensors = dict(vectors)
    for name, (outputs, inputs) in sizes.items():
        raw = hashlib.shake_256(f"{seed} {name}".encode()).digest(outputs * inputs)
        values = torch.frombuffer(bytearray(raw), dtype=torch.int8).view(outputs, inputs).clamp(min=-127)
        tensors[name] = values
        tensors[name + ".scales"] = torch.full((outputs,), 1 / 512)
    return tensors


@cache
def tiny_file() -> ModelFile:
    vocabulary = tiny_vocabulary()
    number = list(vocabulary.tokens).index
    pairs = tuple((number(left), number(right)) for left, right in _PAIRS)
    shape = tiny_shape(2048)
    file = ModelFile(shape, tuple(vocabulary.tokens), pairs, tuple(vocabulary.nibbles), 0, tiny_tensors(), "a seed")
    model = Model(shape, file.tensors, torch.device("cpu"), Kernel.FLOAT32)
    return replace(file, golden=compute_golden(model, file))


def put_tiny_model(folder: Path) -> str:
    """Write the model below `folder` and return its name."""
    data = tiny_file().to_bytes()
    digest = hashlib.sha256(data).hexdigest()
    (folder / digest).mkdir(parents=True, exist_ok=True)
    (folder / digest / FILE).write_bytes(data)
    return digest
