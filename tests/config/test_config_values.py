from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.config.values import (
    check_device,
    check_folder,
    check_method,
    check_token,
    check_worker,
    format_duration,
    format_size,
    parse_count,
    parse_duration,
    parse_shared,
    parse_size,
    parse_workers,
)

ANYTHING = st.one_of(
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=2),
)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("4GiB", 4 * 2**30),
        ("512MB", 512 * 10**6),
        (" 1.5 kib ", 1536),
        ("17", 17),
        (17, 17),
        (3.0, 3),
        ("0B", 0),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_a_size_is_read_with_binary_and_decimal_units(value: object, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize("value", ["", "4G", "GiB", "-1", -1, 1.5, "0.3B", True, None, "1e400", "٣", "nan", [1]])
def test_what_is_no_size_is_refused_with_an_example(value: object) -> None:
    with pytest.raises(ValueError, match='"4GiB"'):
        parse_size(value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (90, 90.0),
        ("90s", 90.0),
        ("5m", 300.0),
        ("12h", 43200.0),
        ("2 d", 172800.0),
        ("250ms", 0.25),
        ("1.5H", 5400.0),
    ],
)
def test_a_duration_is_read_in_seconds(value: object, seconds: float) -> None:
    assert parse_duration(value) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["", "fast", "5 min", "-1s", -0.5, float("nan"), float("inf"), "inf", False, None])
def test_what_is_no_duration_is_refused_with_an_example(value: object) -> None:
    with pytest.raises(ValueError, match='"5m"'):
        parse_duration(value)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**62))
def test_a_written_size_reads_the_same(size: int) -> None:
    assert parse_size(format_size(size)) == size


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.floats(0, 1e9), st.integers(0, 10**9).map(float)))
def test_a_written_duration_reads_the_same(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(("size", "text"), [(2**32, "4GiB"), (8 * 2**20, "8MiB"), (512 * 10**6, "512MB"), (7, "7")])
def test_sizes_are_written_with_the_largest_unit_that_loses_nothing(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.25, "0.25s"), (90.0, "90s"), (300.0, "5m"), (86400.0, "1d")])
def test_durations_are_written_with_the_largest_unit_that_loses_nothing(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    "read",
    [
        parse_size,
        parse_duration,
        parse_count,
        parse_shared,
        check_worker,
        check_method,
        check_device,
        check_folder,
        check_token,
    ],
)
def test_any_value_is_either_read_or_refused_with_what_is_expected(read: Callable[[object], object]) -> None:
    @settings(max_examples=60, deadline=None)
    @given(ANYTHING)
    def try_one(value: object) -> None:
        try:
            read(value)
        except ValueError as error:
            assert str(error).startswith("expected ")  # noqa: PT017

    try_one()


@pytest.mark.parametrize("name", ["", ".hidden", "-x", "a/b", "a b", "ä", "a" * 81, "a\n", None, 3])
def test_a_worker_id_that_is_no_safe_file_name_is_refused(name: object) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        check_worker(name)


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:1"])
def test_every_device_name_is_taken(name: str) -> None:
    assert check_device(name) == name


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", "cuda:٣"])
def test_other_device_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="'cuda:<number>'"):
        check_device(name)


def test_a_token_loses_the_line_end_of_its_file_and_may_hold_no_space() -> None:
    assert check_token("abc\n") == "abc"
    with pytest.raises(ValueError, match="access token") as caught:
        check_token("s3cr et")
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "a\0b", 3, None])
def test_what_cannot_be_a_folder_is_refused(path: object) -> None:
    with pytest.raises(ValueError, match="path of a folder"):
        check_folder(path)


@pytest.mark.parametrize(("value", "count"), [("auto", None), ("AUTO", None), ("4", 4), (1, 1), ("256", 256)])
def test_a_number_of_workers_or_auto_is_read(value: object, count: int | None) -> None:
    assert parse_workers(value) == count


@pytest.mark.parametrize("value", ["0", 0, "257", "-1", "1.5", "many", True, None, ""])
def test_what_is_no_number_of_workers_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="from 1 to 256"):
        parse_workers(value)
