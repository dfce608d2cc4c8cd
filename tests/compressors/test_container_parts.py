"""Containers: every file comes back to the byte, and what its streams held is what is compressed."""

import zlib
from collections.abc import Callable
from functools import cache

import pytest
from fakes import container_files as files
from fakes.container_files import TEXT
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import Context, Device, Encoded, Kind, Level, NotApplicable, Registry, compress
from panini_daemon.compressors.container_parts import ContainerParts
from panini_daemon.compressors.containers.adam7 import gather, list_passes, scatter
from panini_daemon.compressors.containers.dissection import dissect
from panini_daemon.compressors.containers.inflation import Allowance
from panini_daemon.compressors.containers.nodes import (
    Directory,
    Entry,
    Font,
    Literal,
    Node,
    Picture,
    Png,
    Rows,
    Source,
    Stream,
    Wrapper,
)
from panini_daemon.compressors.containers.tree import walk

FAMILIES = (files.png_files, files.gzip_files, files.zip_files, files.pdf_files, files.other_files)
WITHOUT_PARTS = {
    *("png cut in its header", "png cut in its stream", "png without a stream", "png without rows"),
    *("gzip cut", "gzip cut in its header", "zip without entries"),
}


@cache
def plugin() -> ContainerParts:
    found = Registry().get("container_parts_v1")
    assert isinstance(found, ContainerParts)
    return found


def take_apart(data: bytes) -> list[Node]:
    return list(walk(dissect(data, Level.BALANCED, Allowance(1 << 20, 1 << 24))))


def count(data: bytes, kind: type[Node]) -> int:
    return sum(isinstance(node, kind) for node in take_apart(data))


def pack(data: bytes, level: Level = Level.BALANCED) -> Encoded:
    return plugin().compress(data, Context(level))


def unpack(encoded: Encoded, size: int) -> bytes:
    return plugin().decompress(encoded.payload, encoded.parameters, size, Device())


def literals(data: bytes) -> bytes:
    return b"".join(node.data for node in take_apart(data) if isinstance(node, Literal))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_comes_back_to_the_byte(family: Callable[[], dict[str, bytes]]) -> None:
    refused, wrong = set(), []
    for name, data in family().items():
        try:
            encoded = pack(data)
        except NotApplicable:
            refused.add(name)
            continue
        if unpack(encoded, len(data)) != data:
            wrong.append(name)
    assert wrong == []
    assert refused == WITHOUT_PARTS & family().keys()


@pytest.mark.parametrize("level", [Level.BALANCED, Level.BEST, Level.MAX])
def test_every_level_gives_the_file_back_and_the_same_payload_each_time(level: Level) -> None:
    data = files.zip_files()["zip"]
    encoded = pack(data, level)
    assert unpack(encoded, len(data)) == data
    assert pack(data, level) == encoded


def test_a_deflated_text_is_compressed_as_text() -> None:
    data = files.gzip_files()["gzip"]
    assert TEXT in literals(data)
    alone = compress(TEXT, registry=Registry(), level=Level.BEST)
    assert len(pack(data, Level.BEST).payload) < len(alone.payload) + 60


def test_text_of_several_members_is_compressed_together() -> None:
    data = files.gzip_files()["gzip of many members"]
    assert count(data, Stream) == 3
    assert len(pack(data).payload) < len(data) * 0.6


def test_pixels_are_coded_as_pixels() -> None:
    picture = files.make_picture(64, 64, 3)
    [rows] = [node for node in take_apart(files.save(picture, "PNG")) if isinstance(node, Rows)]
    assert rows.picture.width == rows.picture.height == 64
    assert rows.source is Source.FILE


@pytest.mark.parametrize("name", ["gzip in gzip", "tar of pictures in gzip", "zip"])
def test_what_lies_deeper_comes_apart_too(name: str) -> None:
    data = [family() for family in FAMILIES]
    [found] = [one[name] for one in data if name in one]
    assert count(found, Stream) > 1 or count(found, Png) > 0


def test_nothing_comes_apart_deeper_than_a_few_containers() -> None:
    assert count(files.gzip_files()["gzip too deep"], Stream) == 5


def test_headers_of_a_zip_file_are_mostly_predicted() -> None:
    data = files.zip_files()["zip with descriptors"]
    nodes = dissect(data, Level.BALANCED, Allowance(1 << 20, 1 << 24))
    [directory] = [node for node in nodes if isinstance(node, Directory)]
    entries = [node for node in nodes if isinstance(node, Entry)]
    assert directory.count == len(entries) == 5
    assert directory.headers.count(0) > len(directory.headers) * 0.9
    assert all(node.descriptor == 2 for node in entries)


def test_a_zip_file_with_a_prefix_has_its_offsets_predicted_too() -> None:
    plain, moved = (files.zip_files()[name] for name in ("zip", "zip with a prefix"))
    headers = [[one.headers for one in take_apart(data) if isinstance(one, Directory)] for data in (plain, moved)]
    assert headers[0] == headers[1]


def test_a_picture_in_a_pdf_is_coded_as_pixels_with_and_without_predictor() -> None:
    pictures = [node for node in take_apart(files.pdf_files()["pdf"]) if isinstance(node, Rows)]
    assert [(node.picture.width, node.picture.channels) for node in pictures] == [(24, 3), (24, 3)]
    assert [node.filters for node in pictures] == [(b"\x08",), (b"\x02",)]


def test_a_jpeg_file_in_another_stands_alone() -> None:
    data = files.pdf_files()["pdf"]
    assert [node.data[:3] for node in take_apart(data) if isinstance(node, Literal) and not node.group] == [
        b"\xff\xd8\xff"
    ]


@pytest.mark.parametrize("make", [lambda: files.pdf_files()["pdf"], files.make_segments], ids=["PDF", "segments"])
def test_a_font_is_decoded(make: Callable[[], bytes]) -> None:
    [font] = [node for node in take_apart(make()) if isinstance(node, Font)]
    assert b"/CharStrings\n/g0 20 RD \x8b\0\x0d\x8b" in b"".join(
        one.data for one in font.inside if isinstance(one, Literal)
    )


def test_a_checksum_that_is_right_is_not_stored() -> None:
    streams = [node for node in take_apart(files.gzip_files()["gzip"]) if isinstance(node, Stream)]
    spoilt = [node for node in take_apart(files.gzip_files()["gzip with a wrong CRC"]) if isinstance(node, Stream)]
    assert [node.wrapper for node in streams] == [Wrapper.GZIP]
    assert [node.wrapper for node in spoilt] == [Wrapper.BARE]


@pytest.mark.parametrize("data", [b"text " * 900, bytes(5000), files.TEXT, b"PK\3\4", b"\x1f\x8b\x08", b"x\x9c" * 2000])
def test_what_holds_nothing_is_turned_down(data: bytes) -> None:
    with pytest.raises(NotApplicable):
        pack(data)


def test_a_whole_jpeg_file_is_left_to_the_image_coders() -> None:
    with pytest.raises(NotApplicable):
        pack(files.save(files.make_picture(40, 40, 3), "JPEG"))


def test_it_offers_itself_for_every_kind_but_text_and_not_where_time_is_short() -> None:
    kinds = set(Kind) - {Kind.TEXT}
    assert all(plugin().offer(Context(level, kind)) for level in list(Level)[1:] for kind in kinds)
    assert plugin().offer(Context(Level.MAX, Kind.TEXT)) is None
    assert plugin().offer(Context(Level.FAST, Kind.COMPRESSED)) is None


def test_a_small_icon_gains() -> None:
    rows = b"".join(bytes([1]) + bytes((x * y) & 255 for x in range(64)) for y in range(16))
    icon = files.png(rows, files.header(16, 16, 8, 6), level=9)
    assert len(pack(icon, Level.BEST).payload) < len(icon) - 40


@pytest.mark.slow
@given(
    parts=st.lists(
        st.tuples(st.sampled_from(["zlib", "gzip", "png", "plain"]), st.binary(max_size=300), st.integers(0, 9)),
        max_size=4,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_mixture_round_trips(parts: list[tuple[str, bytes, int]]) -> None:
    data = b"".join(make_part(kind, content, level) for kind, content, level in parts)
    try:
        encoded = pack(data)
    except NotApplicable:
        return
    assert unpack(encoded, len(data)) == data


def make_part(kind: str, content: bytes, level: int) -> bytes:
    if kind == "plain":
        return content
    if kind == "png":
        width = level + 1
        rows = content[: len(content) // (width + 1) * (width + 1)]
        return files.png(rows, files.header(width, max(1, len(rows) // (width + 1)), 8, 0), sizes=[level] * (level % 3))
    encoder = zlib.compressobj(level, zlib.DEFLATED, 31 if kind == "gzip" else 15)
    return encoder.compress(content * 3) + encoder.flush()


@pytest.mark.parametrize(("bits", "colour"), [(1, 0), (2, 3), (8, 2), (16, 6)])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 2), (9, 5), (21, 17)])
def test_pixels_of_interlaced_files_are_those_of_one_picture(bits: int, colour: int, width: int, height: int) -> None:
    picture = Picture(width, height, bits, colour)
    content = b"".join(
        bytes([(row + place) % 5]) + bytes((7 * row + column) & 240 for column in range(part.picture.stride))
        for place, part in enumerate(list_passes(picture))
        for row in range(part.picture.height)
    )
    told = gather(content, picture)
    if told is None:
        assert bits < 8
        return
    filters, pixels = told
    assert len(pixels) == picture.stride * height
    assert scatter(pixels, filters, picture) == content


def test_an_interlaced_file_is_coded_as_pixels() -> None:
    rows = b"".join(
        bytes([1]) + bytes(part.picture.stride)
        for part in list_passes(Picture(64, 64, 8, 2))
        for _ in range(part.picture.height)
    )
    data = files.png(rows, files.header(64, 64, 8, 2, 1))
    [found] = [node for node in take_apart(data) if isinstance(node, Rows)]
    assert len(found.filters) == 7
    assert unpack(pack(data), len(data)) == data


def test_zeros_behind_a_font_take_no_time_without_their_end() -> None:
    data = zlib.compress(files.make_font((b"0" * 63 + b"\n") * 30))
    assert unpack(pack(data), len(data)) == data


@pytest.mark.parametrize(
    "start",
    [
        b"PK\3\4\x14\0\x08\0\0\0" + bytes(20),
        b"\xff\xd8\xff\xe0\0\x04ab\xff\xe1\0\2",
        b"\x1f\x8b\x08\x08" + b"n" * 6,
        b"x\x9c\xed\xc1\1\1",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    ],
)
def test_many_false_starts_are_turned_down(start: bytes) -> None:
    with pytest.raises(NotApplicable):
        pack(start * 3000)


def test_what_is_left_of_a_pdf_is_compressed_as_text() -> None:
    nodes = dissect(files.pdf_files()["pdf"], Level.BALANCED, Allowance(1 << 20, 1 << 24))
    assert {node.group for node in nodes if isinstance(node, Literal) and node.data.startswith(b"%PDF")} == {"text"}
