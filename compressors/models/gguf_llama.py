"""From a GGUF file of the Llama family to the exact form, by steps that every machine does alike."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from panini_daemon.compressors.errors import ModelDamaged
from panini_daemon.compressors.exact import tables
from panini_daemon.compressors.exact.calibration import measure_value_scales, quantise_matrix
from panini_daemon.compressors.exact.model import Model, Shape
from panini_daemon.compressors.exact.products import choose_kernel
from panini_daemon.compressors.language.vocabulary import NIBBLES
from panini_daemon.compressors.models.file import ModelFile
from panini_daemon.compressors.models.self_test import compute_golden

POSITIONS = 2048
LIMBS = (2, 2, 2, 2, 2)
_CALIBRATION_TOKENS = 768
_CONTROL = 3
"""GGUF's token type for those that stand for no text."""


def convert(path: Path, source: str, text: bytes, tell: Callable[[str], None] = lambda _: None) -> ModelFile:
    """Convert a GGUF file; `text` calibrates the ranges of attention's values. Raises ModelDamaged.

    Weights are dequantised, rearranged so that rotary pairs lie half a head apart, and rounded to int8 rows.
    """
    from gguf import GGUFReader  # noqa: PLC0415  only conversion needs it

    reader = GGUFReader(path)

    def field(name: str) -> object:
        found = reader.get_field(name)
        if found is None:
            raise ModelDamaged(f"{path.name} has no {name!r}; expected a GGUF file of the Llama architecture")
        return found.contents()

    if field("general.architecture") != "llama":
        raise ModelDamaged(f"{path.name} is of {field('general.architecture')!r}; expected the Llama architecture")
    shape = _read_shape(field)
    floats = {tensor.name: _dequantise(tensor) for tensor in reader.tensors}
    tensors = _rearrange(floats, shape)
    words, pairs = field("tokenizer.ggml.tokens"), field("tokenizer.ggml.merges")
    assert isinstance(words, list)  # noqa: S101  for the type checker: GGUF says they are lists
    assert isinstance(pairs, list)  # noqa: S101
    kinds = field("tokenizer.ggml.token_type")
    assert isinstance(kinds, list)  # noqa: S101
    tokens, nibbles = _read_tokens(words, kinds)
    shape = replace(shape, vocabulary=len(tokens))
    number = {word: at for at, word in enumerate(words)}
    merges = [(number[left], number[right]) for left, right in (pair.split(" ", 1) for pair in pairs)]
    model = ModelFile(shape, tokens, tuple(merges), nibbles, _start_of(words), tensors, source)
    vocabulary = model.vocabulary()
    given = torch.tensor([[model.start, *vocabulary.encode(text)][:_CALIBRATION_TOKENS]])
    device = torch.device("cpu")
    runtime = Model(shape, tensors, device, choose_kernel(device))
    scales = measure_value_scales(runtime, given, lambda layer: tell(f"calibrated layer {layer + 1}/{shape.layers}"))
    model = replace(model, tensors=tensors | scales)
    return replace(model, golden=compute_golden(Model(shape, model.tensors, device, choose_kernel(device)), model))


def _read_shape(field: Callable[[str], object]) -> Shape:
    def size(name: str) -> int:
        return int(str(field("llama." + name)))

    width, heads = size("embedding_length"), size("attention.head_count")
    base = int(float(str(field("llama.rope.freq_base"))))
    epsilon = round(float(str(field("llama.attention.layer_norm_rms_epsilon"))), 8)
    rotations = torch.stack(tables.make_rotations(POSITIONS, width // heads, base))
    return Shape(
        layers=size("block_count"),
        width=width,
        heads=heads,
        key_heads=size("attention.head_count_kv"),
        head_width=width // heads,
        feed_width=size("feed_forward_length"),
        vocabulary=0,
        positions=POSITIONS,
        rope_base=base,
        epsilon=epsilon,
        limbs=LIMBS,
        rotations=tables.digest(rotations),
    )


def _dequantise(tensor: "object") -> Tensor:
    from gguf.quants import dequantize  # noqa: PLC0415

    values = dequantize(tensor.data, tensor.tensor_type)  # type: ignore[attr-defined]
    return torch.from_numpy(np.array(values, dtype=np.float32))


def _rearrange(floats: dict[str, Tensor], shape: Shape) -> dict[str, Tensor]:
    tensors = quantise_matrix("embedding", floats["token_embd.weight"])
    tensors["final_norm"] = floats["output_norm.weight"]
    if "output.weight" in floats:
        raise ModelDamaged("the model's head is not its embedding; expected one with tied embeddings")
    for number in range(shape.layers):
        old, new = f"blk.{number}.", f"layers.{number}."
        queries = _halve(floats[old + "attn_q.weight"], shape.heads)
        keys = _halve(floats[old + "attn_k.weight"], shape.key_heads)
        joined = {
            "qkv": torch.cat([queries, keys, floats[old + "attn_v.weight"]]),
            "output": floats[old + "attn_output.weight"],
            "gate_up": torch.cat([floats[old + "ffn_gate.weight"], floats[old + "ffn_up.weight"]]),
            "down": floats[old + "ffn_down.weight"],
        }
        for name, weights in joined.items():
            tensors |= quantise_matrix(new + name, weights)
        tensors[new + "attention_norm"] = floats[old + "attn_norm.weight"]
        tensors[new + "feed_norm"] = floats[old + "ffn_norm.weight"]
        tensors[new + "value_scales"] = torch.ones((shape.key_heads, 1, 1))
    return tensors


def _halve(weights: Tensor, heads: int) -> Tensor:
    """Put rotary pairs, which GGUF keeps side by side, half a head apart."""
    outputs, inputs = weights.shape
    return weights.view(heads, outputs // heads // 2, 2, inputs).transpose(1, 2).reshape(outputs, inputs)


def _read_tokens(words: Sequence[str], kinds: Sequence[int]) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    """Return each token's bytes, and the special tokens that serve as nibbles."""
    byte_of = _letters()
    special = [at for at, kind in enumerate(kinds) if kind == _CONTROL]
    if len(special) < NIBBLES + 1:
        raise ModelDamaged(f"the vocabulary has {len(special)} special tokens; expected at least {NIBBLES + 1}")
    hidden = frozenset(special)
    tokens = tuple(b"" if at in hidden else bytes(byte_of[letter] for letter in word) for at, word in enumerate(words))
    return tokens, tuple(special[1 : NIBBLES + 1])


def _start_of(words: Sequence[str]) -> int:
    return words.index("<|endoftext|>") if "<|endoftext|>" in words else 0


def _letters() -> dict[str, int]:
    """Return the byte that each letter of a byte-level vocabulary stands for: printable ones for themselves."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + at): byte for at, byte in enumerate(others)}
