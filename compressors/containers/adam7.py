"""Interlaced PNG files: seven small pictures that are one (PNG specification, 8.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from panini_daemon.compressors.containers.nodes import Picture
from panini_daemon.compressors.containers.row_filters import put_filters, take_filters
from panini_daemon.compressors.images.layout import Layout, pack_samples, unpack_samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row of each pass, and steps to the next ones."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One of the small pictures, and where its pixels are in the large one."""

    picture: Picture
    rows: slice
    columns: slice


def list_passes(picture: Picture) -> Sequence[Pass]:
    """List the passes that have pixels."""
    found = []
    for column, row, across, down in _PASSES:
        width, height = -(-(picture.width - column) // across), -(-(picture.height - row) // down)
        if width > 0 and height > 0:
            small = Picture(width, height, picture.bits, picture.colour)
            found.append(Pass(small, slice(row, None, down), slice(column, None, across)))
    return found


def gather(content: bytes, picture: Picture) -> tuple[tuple[bytes, ...], bytes] | None:
    """Undo the passes' filters and put their pixels into one picture: each pass's filters, and the rows.

    None where a filter is none, or bits are set that fill up a row.
    """
    whole = np.zeros((picture.height, picture.width, picture.channels), _kind(picture))
    told, at = [], 0
    for part in list_passes(picture):
        small = part.picture
        end = at + (small.stride + 1) * small.height
        taken = take_filters(content[at:end], small)
        if taken is None or _pack(_spread(taken[1], small), small) != taken[1]:
            return None
        whole[part.rows, part.columns] = _spread(taken[1], small)
        told.append(taken[0])
        at = end
    return tuple(told), _pack(whole, picture)


def scatter(pixels: bytes, filters: Sequence[bytes], picture: Picture) -> bytes:
    """Undo `gather`. Raises PayloadDamaged."""
    whole = _spread(pixels, picture)
    parts = zip(list_passes(picture), filters, strict=True)
    return b"".join(
        put_filters(_pack(whole[one.rows, one.columns], one.picture), told, one.picture) for one, told in parts
    )


def _spread(rows: bytes, picture: Picture) -> "NDArray[np.generic]":
    samples = unpack_samples(rows, _lay_out(picture))[:, : picture.width * picture.channels]
    return samples.reshape(picture.height, picture.width, picture.channels)


def _pack(samples: "NDArray[np.generic]", picture: Picture) -> bytes:
    layout = _lay_out(picture)
    full = np.zeros((picture.height, layout.row_samples), _kind(picture))
    full[:, : picture.width * picture.channels] = samples.reshape(picture.height, -1)
    return pack_samples(full, layout)


def _kind(picture: Picture) -> type[np.unsignedinteger]:
    return np.uint16 if picture.bits == 16 else np.uint8


def _lay_out(picture: Picture) -> Layout:
    return Layout(picture.width, picture.height, picture.channels, picture.bits)
