"""docs/pixels.md is enough: a decoder of its coders 4 to 7 that follows it decodes what is frozen."""

from pathlib import Path

import pytest
from fakes.page_drawings import Drawing
from fakes.page_gifs import read_frame, write_frame
from fakes.page_numbers import Numbers
from fakes.page_pictures import Picture

GOLDEN = Path(__file__).parents[1] / "golden/compressors/image_pixels_v2"
OPEN = ["bmp-1", "bmp-8", "pam", "pgm", "tga-16", "tga-map", "tiff-cmyk", "tiff-planes"]
OPEN += ["coder-drawing", "coder-drawing-4", "coder-drawing-16", "coder-drawing-flat"]
OPEN += ["coder-picture", "coder-picture-flat"]


@pytest.mark.slow
@pytest.mark.parametrize("case", OPEN)
def test_a_decoder_written_from_the_page_decodes_open_rows(case: str) -> None:
    payload = Numbers((GOLDEN / case / "payload.bin").read_bytes())
    assert payload.take(1) == b"\0"
    others = Numbers(payload.unpack())
    offset, gap, width, height, channels, bits, flags = (others.read() for _ in range(7))
    file = others.take(offset)
    for row in decode(payload.rest, width, height, channels, bits):
        file += in_file(row, channels, bits, flags) + others.take(gap)
    assert file + others.rest == (GOLDEN / case / "original.bin").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("case", ["gif", "gif-animation", "gif-interlaced-tall"])
def test_a_decoder_written_from_the_page_decodes_gif(case: str) -> None:
    payload = Numbers((GOLDEN / case / "payload.bin").read_bytes())
    assert payload.take(1) == b"\1"
    others = Numbers(payload.unpack())
    frames = [read_frame(others) for _ in range(others.read())]
    rows = {}
    for width in dict.fromkeys(frame.width for frame in frames):
        height = sum(frame.height for frame in frames if frame.width == width)
        rows[width] = iter(decode(payload.take(payload.read()), width, height, 1, 8))
    file = b""
    for frame in frames:
        file += others.take(frame.before)
        file += write_frame(frame, [next(rows[frame.width]) for _ in range(frame.height)])
    assert file + others.rest == (GOLDEN / case / "original.bin").read_bytes()


def in_file(row: bytes, channels: int, bits: int, flags: int) -> bytes:
    if bits < 8:
        return row
    samples = [row[at : at + bits // 8] for at in range(0, len(row), bits // 8)]
    if flags & 1:
        for at in range(0, len(samples), channels):
            samples[at], samples[at + 2] = samples[at + 2], samples[at]
    return b"".join(sample[::-1] if flags & 2 else sample for sample in samples)


def decode(stream: bytes, width: int, height: int, channels: int, bits: int) -> list[bytes]:
    coder, stream = stream[0], stream[1:]
    assert 4 <= coder <= 7
    of, flat = Picture if coder in {5, 7} else Drawing, coder in {6, 7}
    if bits == 16:
        channels *= 2
    if bits >= 8:
        return [bytes(row) for row in of(stream, width, height, channels, 8, flat=flat).decode()]
    each = 8 // bits
    whole = -(-width * channels // each) * each
    rows = of(stream, whole, height, 1, bits, flat=flat).decode()
    return [bytes(pack(row[at : at + each], bits) for at in range(0, whole, each)) for row in rows]


def pack(samples: list[int], bits: int) -> int:
    value = 0
    for sample in samples:
        value = value << bits | sample
    return value
