import io
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.rendering import (
    ResultRow,
    format_bytes,
    format_saved,
    format_seconds,
    open_console,
    print_results,
    progress,
)

ROWS = [
    ResultRow("notes.txt/chunk_0000", "text_ppmd_v1", 1_048_576, 230_687, verified=True),
    ResultRow(
        "photos/holiday/long-name-of-a-picture-taken-by-the-sea.png/chunk_0003",
        "x_v1",
        25,
        27,
        verified=False,
    ),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (2_000_000_000_000, "2.0 TB"),
        (-1500, "-1.5 kB"),
    ],
)
def test_sizes_are_decimal_and_never_show_a_thousand_of_a_unit(size: int, text: str) -> None:
    assert format_bytes(size) == text


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**17))
def test_a_size_is_short_and_within_a_twentieth_of_the_truth(size: int) -> None:
    number, unit = format_bytes(size).split(" ")
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}[unit]
    assert len(number) <= 4
    assert abs(float(number) * factor - size) <= size / 20


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00 s"),
        (0.417, "0.42 s"),
        (9.999, "10.0 s"),
        (12.34, "12.3 s"),
        (59.96, "1 min"),
        (200.0, "3 min 20 s"),
        (3599.6, "1 h"),
        (7500.0, "2 h 5 min"),
        (273600.0, "3 d 4 h"),
    ],
)
def test_durations_show_the_two_units_that_matter(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1e6))
def test_a_duration_never_shows_sixty_of_a_unit(seconds: float) -> None:
    text = format_seconds(seconds)
    assert not re.search(r"(?<![.\d])60 ", text)
    assert "60.0" not in text


def test_a_growing_result_saves_less_than_nothing() -> None:
    assert format_saved(100, 25) == "75.0 %"
    assert format_saved(25, 27) == "-8.0 %"
    assert format_saved(0, 3) == "-"


@pytest.mark.usefixtures("plain_environment")
def test_a_table_in_a_pipe_is_plain_fits_80_columns_and_loses_no_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    pipe = io.StringIO()
    print_results(ROWS, pipe)
    text = pipe.getvalue()
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    shown = "".join(line[:40].split(" ")[0] for line in text.splitlines() if not line.startswith("total"))
    assert ROWS[1].name in shown
    for part in ("1.0 MB", "231 kB", "78.0 %", "✓", "NO", "1/2"):
        assert part in text


@pytest.mark.usefixtures("plain_environment")
def test_one_row_needs_no_total() -> None:
    pipe = io.StringIO()
    print_results(ROWS[:1], pipe)
    assert "total" not in pipe.getvalue()


@pytest.mark.usefixtures("plain_environment")
def test_a_pipe_that_cannot_show_the_tick_gets_a_word() -> None:
    raw = io.BytesIO()
    pipe = io.TextIOWrapper(raw, encoding="ascii")
    print_results(ROWS[:1], pipe)
    pipe.flush()
    assert b"yes" in raw.getvalue()


@pytest.mark.usefixtures("plain_environment")
def test_square_brackets_in_a_name_are_shown() -> None:
    pipe = io.StringIO()
    print_results([ResultRow("[bold]a[/bold].txt", "m", 1, 1, verified=True)], pipe)
    assert "[bold]a[/bold].txt" in pipe.getvalue()


@pytest.mark.usefixtures("plain_environment")
def test_a_terminal_has_colour_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_console(Terminal()).color_system is not None
    coloured = Terminal()
    open_console(coloured).print("x", style="red")
    assert "\x1b[31m" in coloured.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    uncoloured = Terminal()
    open_console(uncoloured).print("x", style="red")
    assert "\x1b[31m" not in uncoloured.getvalue()


@pytest.mark.usefixtures("plain_environment")
def test_progress_shows_description_and_size_on_a_terminal() -> None:
    terminal = Terminal()
    with progress(2_000_000, "compressing [1/2]", file=terminal) as advance:
        advance(500_000)
        advance(1_500_000)
    assert "compressing [1/2]" in terminal.getvalue()
    assert "2.0/2.0 MB" in terminal.getvalue()


def test_progress_writes_nothing_into_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(100, "compressing") as advance:
        advance(100)
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


@pytest.mark.usefixtures("plain_environment")
def test_progress_is_silent_on_a_dumb_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    with progress(100, "compressing", file=terminal) as advance:
        advance(100)
    assert terminal.getvalue() == ""


def test_the_console_writes_to_the_standard_output_of_the_moment(capsys: pytest.CaptureFixture[str]) -> None:
    assert open_console().file is sys.stdout
    print_results(ROWS)
    assert "notes.txt" in capsys.readouterr().out
