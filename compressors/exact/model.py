"""A Llama-family decoder in exact arithmetic, the whole of it in one file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from panini_daemon.compressors.exact import tables
from panini_daemon.compressors.exact.attention import BLOCK, EXPONENTIAL_BITS, Cache, Place, attend
from panini_daemon.compressors.exact.normalisation import inverse_rms
from panini_daemon.compressors.exact.products import Kernel, Matrix
from panini_daemon.compressors.exact.quantisation import apply_linear


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a model, and what its layers are computed with.

    `limbs` counts the int8 limbs of what goes into qkv, output, gate_up, down and the head;
    `rotations` is the SHA-256 of the rotary tables for `positions` positions.
    """

    layers: int
    width: int
    heads: int
    key_heads: int
    head_width: int
    feed_width: int
    vocabulary: int
    positions: int
    rope_base: int
    epsilon: float
    limbs: tuple[int, int, int, int, int]
    rotations: str


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The weights of one layer. Query, key and value rows lie under each other, as do gate and up."""

    qkv: Matrix
    output: Matrix
    gate_up: Matrix
    down: Matrix
    attention_norm: Tensor
    feed_norm: Tensor
    value_scales: Tensor


@dataclass(slots=True, eq=False)
class State:
    """What `rows` sequences in step have seen: a cache for each layer, and how many tokens."""

    caches: list[Cache]
    window: int
    position: int = 0


class Model:
    """Weights on a device, and the forward pass."""

    def __init__(self, shape: Shape, tensors: Mapping[str, Tensor], device: torch.device, kernel: Kernel) -> None:
        """Put the tensors of a model file to the device. Raises ModelDamaged where a table is not as pinned."""
        self.shape, self.device = shape, device
        here = {name: tensor.to(device) for name, tensor in tensors.items()}

        def matrix(name: str) -> Matrix:
            return Matrix.of(here[name], here[name + ".scales"], kernel)

        self.layers = [
            Layer(
                qkv=matrix(f"layers.{number}.qkv"),
                output=matrix(f"layers.{number}.output"),
                gate_up=matrix(f"layers.{number}.gate_up"),
                down=matrix(f"layers.{number}.down"),
                attention_norm=here[f"layers.{number}.attention_norm"],
                feed_norm=here[f"layers.{number}.feed_norm"],
                value_scales=here[f"layers.{number}.value_scales"].clone(),
            )
            for number in range(shape.layers)
        ]
        self.head, self.final_norm = matrix("embedding"), here["final_norm"]
        cosines, sines = tables.make_rotations(shape.positions, shape.head_width, shape.rope_base)
        tables.require(torch.stack([cosines, sines]), shape.rotations, "rotations")
        self._cosines, self._sines = cosines.to(device), sines.to(device)
        exponentials = tables.exponentials(EXPONENTIAL_BITS)
        self._exponentials = tables.as_floats(exponentials).to(device)
        self._sigmoids = tables.sigmoids().to(device)

    def start(self, rows: int, window: int, longest: int | None = None) -> State:
        """Begin `rows` sequences of at most `window` tokens each, `shape.positions` at most.

        Where none will be longer than `longest`, memory is taken for so many; the numbers are the same.
        """
        shape = self.shape
        most = window if longest is None else max(1, min(window, longest))
        size, room = (-(-count // BLOCK) * BLOCK for count in (window, most))
        caches = [
            Cache.empty(rows, shape.key_heads, size, shape.head_width, self.device, room) for _ in range(shape.layers)
        ]
        return State(caches, most)

    @torch.inference_mode()
    def advance(self, tokens: Tensor, state: State) -> Tensor:
        """Take the next `tokens` (rows, count) of every sequence and return hidden rows (rows, count, width).

        The numbers are the same however a sequence is cut into calls, whatever stands in other rows.
        Raises ValueError beyond the window.
        """
        count = tokens.shape[1]
        if state.position + count > state.window:
            raise ValueError(f"{state.position} + {count} tokens do not fit a window of {state.window}")
        hidden = self.run(tokens, state.caches, Place.of(state.position, count, self.device))
        state.position += count
        return hidden

    def run(self, tokens: Tensor, caches: Sequence[Cache], place: Place) -> Tensor:
        """Take `tokens` (rows, count) that stand at `place`, and return hidden rows (rows, count, width)."""
        hidden = self.embed(tokens.reshape(-1))
        for layer, cache in zip(self.layers, caches, strict=True):
            hidden = self.run_layer(hidden, layer, cache, tokens.shape[0], place)
        return hidden.view(*tokens.shape, -1)

    @torch.inference_mode()
    def score(self, hidden: Tensor) -> Tensor:
        """Return the logits (count, vocabulary) of hidden rows (count, width)."""
        gains = inverse_rms(hidden, self.shape.epsilon)
        return apply_linear(hidden * self.final_norm, self.head, self.shape.limbs[4], gains)

    def embed(self, tokens: Tensor) -> Tensor:
        """Look up tokens (count): their rows (count, width)."""
        return self.head.values[tokens].float() * self.head.scales[tokens][:, None]

    def run_layer(self, hidden: Tensor, layer: Layer, cache: Cache, rows: int, place: Place) -> Tensor:
        """Run one layer over hidden rows (rows * count, width), the count of each row at `place`."""
        hidden = hidden + self._attention(hidden, layer, cache, rows, place)
        return hidden + self._feed(hidden, layer)

    def project(self, hidden: Tensor, layer: Layer) -> Tensor:
        """Return the queries, keys and values of hidden rows, side by side."""
        gains = inverse_rms(hidden, self.shape.epsilon)
        return apply_linear(hidden * layer.attention_norm, layer.qkv, self.shape.limbs[0], gains)

    def _attention(self, hidden: Tensor, layer: Layer, cache: Cache, rows: int, place: Place) -> Tensor:
        shape = self.shape
        mixed = self.project(hidden, layer)
        count = mixed.shape[0] // rows
        per_head = mixed.view(rows, count, -1, shape.head_width).transpose(1, 2)
        first, last = shape.heads, shape.heads + shape.key_heads
        turned = self._rotate(per_head[:, :last], place.positions)
        cache.append(turned[:, first:], per_head[:, last:], layer.value_scales, place.positions)
        queries = turned[:, :first].reshape(rows, shape.key_heads, -1, count, shape.head_width)
        seen = attend(queries, cache, layer.value_scales, self._exponentials, place)
        joined = seen.view(rows, shape.heads, count, -1).transpose(1, 2).reshape(rows * count, -1)
        return apply_linear(joined, layer.output, shape.limbs[1])

    def _feed(self, hidden: Tensor, layer: Layer) -> Tensor:
        gains = inverse_rms(hidden, self.shape.epsilon)
        gate, up = apply_linear(hidden * layer.feed_norm, layer.gate_up, self.shape.limbs[2], gains).chunk(2, dim=-1)
        return apply_linear(gate * self._sigmoid(gate) * up, layer.down, self.shape.limbs[3])

    def _sigmoid(self, numbers: Tensor) -> Tensor:
        half = tables.SIGMOID_STEP * tables.SIGMOID_RANGE
        places = (numbers * tables.SIGMOID_STEP).round_().clamp_(-half, half - 1).to(torch.int32) + half
        return torch.index_select(self._sigmoids, 0, places.view(-1)).view(numbers.shape)

    def _rotate(self, heads: Tensor, positions: Tensor) -> Tensor:
        """Turn the first half of each head's numbers with the second, by angles of their position."""
        left, right = heads.chunk(2, dim=-1)
        cosines, sines = self._cosines.index_select(0, positions), self._sines.index_select(0, positions)
        return torch.cat([left * cosines - right * sines, right * cosines + left * sines], dim=-1)
