"""Scans that are written otherwise than most: what is odd about them is noted, and they come back to the byte."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from panini_daemon.compressors.jpeg.layout import Unreadable
from panini_daemon.compressors.jpeg.notes import format_notes, parse_notes
from panini_daemon.compressors.jpeg.picture import Picture, put_together, take_apart
from panini_daemon.compressors.jpeg.segments import DHT, split, walk

MOST = 1 << 16


def jpeg(**options: object) -> bytes:
    """Return a picture of shapes on an even ground, so that many blocks end early."""
    row, column = np.mgrid[0:72, 0:136]
    plane = np.where((row - 30) ** 2 + (column - 50) ** 2 < 500, 40 + 3 * (row % 16) + column, 200).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(np.stack([plane, 255 - plane, plane // 2], axis=-1)).save(out, "JPEG", quality=85, **options)
    return out.getvalue()


def come_back(data: bytes) -> Picture:
    """Take a file apart and put it together again, with its notes through their bytes."""
    picture = take_apart(data, MOST)
    read = parse_notes(format_notes(picture), MOST)
    assert put_together(replace(read, coefficients=picture.coefficients), len(data)) == data
    return picture


def write(picture: Picture) -> bytes:
    return put_together(picture, 1 << 20)


@pytest.mark.parametrize("options", [{"subsampling": 0}, {"restart_marker_blocks": 4}, {"progressive": True}])
@pytest.mark.parametrize("bits", [lambda at: 0, lambda at: at * 37 & 127])
def test_other_padding_than_ones_is_noted(options: dict[str, object], bits: Callable[[int], int]) -> None:
    picture = take_apart(jpeg(**options), MOST)
    odd = tuple(replace(one, padding=bytes(bits(at) for at in range(one.whole))) for one in picture.notes)
    data = write(replace(picture, notes=odd))
    assert data != jpeg(**options)
    assert not any(one.tail for one in come_back(data).notes)


@pytest.mark.parametrize("cut", [(0, 1, 2), (1, 4), (3,)])
@pytest.mark.parametrize("number", range(10))
def test_runs_of_ended_blocks_that_end_early_are_noted(number: int, cut: tuple[int, ...]) -> None:
    picture = take_apart(jpeg(progressive=True), MOST)
    scan = picture.layout.scans[number]
    short = np.array([[at, 1] for at in cut], np.int32)
    notes = [replace(one, exceptions=short) if at == number else one for at, one in enumerate(picture.notes)]
    data = write(replace(picture, notes=tuple(notes)))
    found = come_back(data).notes[number]
    assert not found.tail
    assert (len(found.exceptions) > 0) == (data != jpeg(progressive=True))
    if scan.first == 0:
        assert data == jpeg(progressive=True)  # a scan of means has no such runs


def test_some_scan_has_runs_to_end_early() -> None:
    picture = take_apart(jpeg(progressive=True), MOST)
    short = np.array([[0, 1]], np.int32)
    assert write(replace(picture, notes=tuple(replace(one, exceptions=short) for one in picture.notes))) != write(
        picture
    )


@pytest.mark.parametrize("behind", [b"\0", b"\x55" * 9, b"\xff\x00" * 3])
def test_bytes_behind_the_last_block_of_a_scan_are_its_tail(behind: bytes) -> None:
    data = jpeg()
    picture = come_back(data[:-2] + behind + data[-2:])
    assert picture.notes[0].tail.endswith(behind)
    assert len(picture.notes[0].tail) <= len(behind) + 1


def test_fill_bytes_before_a_marker_stay() -> None:
    data = jpeg()
    assert come_back(data[:-2] + b"\xff\xff" + data[-2:]).notes[0].tail == b""


def test_a_scan_is_kept_up_to_a_restart_marker_that_is_missing_or_out_of_turn() -> None:
    data = jpeg(restart_marker_blocks=4)
    at = data.index(b"\xff\xd3")
    whole = take_apart(data, MOST).notes[0].mcus
    for odd in (data[:at] + data[at + 2 :], data[:at] + b"\xff\xd6" + data[at + 2 :]):
        notes = come_back(odd).notes[0]
        assert 12 <= notes.mcus < whole
        assert notes.tail


def test_a_cut_progressive_file_keeps_its_whole_scans() -> None:
    data = jpeg(progressive=True)
    scan = split(data)[1][-1]
    notes = come_back(data[: data.index(scan) + len(scan) // 2]).notes
    assert notes[0].mcus
    assert not notes[-1].mcus
    assert notes[-1].tail


def test_a_cut_file_keeps_all_but_its_last_blocks() -> None:
    data = jpeg()
    scan = split(data)[1][0]
    whole = take_apart(data, MOST).notes[0].mcus
    notes = come_back(data[: data.index(scan) + len(scan) // 2]).notes[0]
    assert len(notes.tail) < 100
    assert 5 < notes.mcus < whole


def test_a_file_whose_tables_are_elsewhere_is_unreadable() -> None:
    data = jpeg()
    tables = [(one.start - 4, one.end) for one in walk(data, scans=True) if one.marker == DHT]
    for start, end in reversed(tables):
        data = data[:start] + data[end:]
    with pytest.raises(Unreadable, match="none of its scans"):
        take_apart(data, MOST)


def test_a_header_and_scans_make_up_the_file() -> None:
    data = jpeg(progressive=True) + b"behind"
    head, scans = split(data)
    assert len(head) + sum(map(len, scans)) == len(data)
    assert head.endswith(b"\xff\xd9behind")
    assert len(scans) == 10


def test_a_frame_of_more_blocks_than_allowed_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="blocks; at most 3"):
        take_apart(jpeg(), 3)


def test_what_would_be_longer_than_told_is_not_written() -> None:
    picture = take_apart(jpeg(), MOST)
    with pytest.raises(Unreadable):
        put_together(picture, 500)
