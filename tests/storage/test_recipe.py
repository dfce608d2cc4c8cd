import contextlib
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.storage.errors import RecipeInvalid
from panini_daemon.storage.recipe import format_recipe, parse_recipe

HASH = "0" * 64


def recipe(**changes: object) -> bytes:
    fields = {
        "version": "1.1",
        "chunk_id": 0,
        "original_hash": HASH,
        "compression_method": "passthrough_v1",
        "reconstruction": {"method": "passthrough", "parameters": {}},
        "payload_hash": HASH,
        **changes,
    }
    return json.dumps(fields).encode()


def test_a_written_recipe_reads_back() -> None:
    parsed = parse_recipe(format_recipe(json.loads(recipe(assembly_info={"offset": 7, "size": 3}))))
    assert (parsed.offset, parsed.size, parsed.payload_hash) == (7, 3, HASH)


def test_version_1_0_parameters_beside_the_method_are_options() -> None:
    parsed = parse_recipe(
        recipe(version="1.0", reconstruction={"method": "gzip_decompress", "encoding": "utf-8", "parameters": {"a": 1}})
    )
    assert parsed.reconstruction.options == {"encoding": "utf-8", "a": 1}


def test_a_recipe_without_version_is_1_0_and_may_lack_a_hash() -> None:
    fields = json.loads(recipe(original_hash=""))
    del fields["version"], fields["payload_hash"]
    parsed = parse_recipe(json.dumps(fields).encode())
    assert (parsed.version, parsed.original_hash, parsed.payload_hash) == ("1.0", "", None)


def test_offset_beside_the_method_wins_as_in_the_published_validator() -> None:
    parsed = parse_recipe(
        recipe(reconstruction={"method": "gzip_decompress", "offset": 5}, assembly_info={"offset": 9})
    )
    assert parsed.offset == 5


def test_size_comes_from_stats_where_assembly_info_has_none() -> None:
    assert parse_recipe(recipe(stats={"original_size": 12})).size == 12
    assert parse_recipe(recipe(stats={"original_size": "12"})).size is None


def test_unknown_fields_are_kept() -> None:
    assert parse_recipe(recipe(colour="blue")).model_extra == {"colour": "blue"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"version": "2.0"}, "version"),
        ({"chunk_id": -1}, "chunk_id"),
        ({"chunk_id": "0"}, "chunk_id"),
        ({"original_hash": "xyz"}, "original_hash"),
        ({"reconstruction": {}}, "reconstruction.method"),
        ({"payload_hash": None}, "payload_hash"),
        ({"assembly_info": {"size": -1}}, "assembly_info.size"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, object], named: str) -> None:
    with pytest.raises(RecipeInvalid, match=named):
        parse_recipe(recipe(**changes))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"chunk_id": 1e999}'])
def test_what_is_no_recipe_is_refused_with_the_typed_error(data: bytes) -> None:
    with pytest.raises(RecipeInvalid):
        parse_recipe(data)


def test_a_ratio_that_json_has_no_number_for_is_read() -> None:
    parsed = parse_recipe(recipe(stats={"ratio": float("inf")}))
    assert parsed.stats == {"ratio": float("inf")}


@pytest.mark.parametrize("data", [recipe(worker="\ud800"), recipe(worker="\ud800").decode().encode("utf-16")])
def test_what_could_not_be_written_again_is_refused(data: bytes) -> None:
    with pytest.raises(RecipeInvalid, match="surrogate"):
        parse_recipe(data)


@pytest.mark.parametrize(
    "changes",
    [{"assembly_info": {"depends_on": ["x"] * 300_000}}, {"timings": dict.fromkeys(map(str, range(300_000)), "x")}],
)
def test_a_recipe_that_is_wrong_in_many_places_costs_no_more_than_one_that_is_wrong_in_one(
    changes: dict[str, object],
) -> None:
    data = recipe(**changes)
    tracemalloc.start()
    try:
        with pytest.raises(RecipeInvalid):
            parse_recipe(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * len(data)


def test_numbers_that_no_file_has_are_not_taken_for_sizes_and_offsets() -> None:
    parsed = parse_recipe(
        recipe(stats={"original_size": 10**40}, reconstruction={"method": "x", "offset": 10**40}, version="1.0")
    )
    assert (parsed.size, parsed.offset) == (None, 0)
    with pytest.raises(RecipeInvalid, match=r"assembly_info\.size"):
        parse_recipe(recipe(assembly_info={"size": 2**63}))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_raise_only_the_typed_error(data: bytes) -> None:
    with pytest.raises(RecipeInvalid):
        parse_recipe(data)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_recipe_parses_or_raises_only_the_typed_error(position: int, value: int) -> None:
    data = bytearray(recipe())
    data[position % len(data)] = value
    with contextlib.suppress(RecipeInvalid):
        parse_recipe(bytes(data))
