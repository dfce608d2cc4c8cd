"""The filters of a picture's rows: told by one byte where they follow a rule, listed where not."""

import numpy as np

from panini_daemon.compressors.containers.nodes import Picture
from panini_daemon.compressors.containers.png_rows import FILTERS, choose_filters, do_filters, undo_filters
from panini_daemon.compressors.errors import PayloadDamaged

LISTED, CORRECTED, CHOSEN, PLAIN = 5, 6, 7, 8
"""Rules: 0 to 4 that filter in all rows; all rows' filters listed; how much they are above the chosen one, modulo 5;
as chosen; no filter bytes at all."""


def take_filters(content: bytes, picture: Picture) -> tuple[bytes, bytes] | None:
    """Split filtered rows into filters, as a rule and what it needs, and pixels; None where a filter is none."""
    rows = np.frombuffer(content, np.uint8).reshape(picture.height, picture.stride + 1)
    filters = rows[:, 0]
    if filters.max() >= FILTERS:
        return None
    pixels = np.empty((picture.height, picture.stride), np.uint8)
    undo_filters(rows, picture.step, pixels)
    return _tell(filters, pixels, picture), pixels.tobytes()


def put_filters(pixels: bytes, told: bytes, picture: Picture) -> bytes:
    """Make the filtered rows again. Raises PayloadDamaged."""
    rule = told[0]
    if rule == PLAIN:
        return pixels
    plane = np.frombuffer(pixels, np.uint8).reshape(picture.height, picture.stride)
    filters = np.full(picture.height, rule, np.uint8)
    if rule in (CORRECTED, CHOSEN):
        choose_filters(plane, picture.step, filters)
    if rule in (LISTED, CORRECTED):
        listed = np.frombuffer(told[1:], np.uint8)
        filters = listed if rule == LISTED else (filters + listed % FILTERS) % FILTERS
    if filters.max() >= FILTERS:
        raise PayloadDamaged(
            "a picture's rows have a filter that PNG does not have; restore compressed.bin from a copy"
        )
    rows = np.empty((picture.height, picture.stride + 1), np.uint8)
    do_filters(plane, picture.step, filters, rows)
    return rows.tobytes()


def count_listed(rule: int, picture: Picture) -> int:
    """Count the bytes that follow a rule. Raises PayloadDamaged where there is no such rule."""
    if rule > PLAIN:
        raise PayloadDamaged(f"a picture's filters follow a rule {rule}; expected at most {PLAIN}; restore a copy")
    return picture.height if rule in (LISTED, CORRECTED) else 0


def _tell(filters: "np.ndarray[tuple[int], np.dtype[np.uint8]]", pixels: "np.ndarray", picture: Picture) -> bytes:
    if (filters == filters[0]).all():
        return bytes([filters[0]])
    chosen = np.empty(picture.height, np.uint8)
    choose_filters(pixels, picture.step, chosen)
    above = (filters + FILTERS - chosen) % FILTERS
    if not above.any():
        return bytes([CHOSEN])
    if np.count_nonzero(above) * 2 < picture.height:
        return bytes([CORRECTED]) + above.astype(np.uint8).tobytes()
    return bytes([LISTED]) + filters.tobytes()
