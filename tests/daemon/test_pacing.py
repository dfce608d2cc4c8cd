import math
from collections.abc import Callable

import pytest
from fakes.bench import Bench
from fakes.service_scene import TEXT

from panini_daemon.compressors import BUDGETS, Level
from panini_daemon.pacing import HORIZON, RESERVE, LevelChoice, Pace
from panini_daemon.storage.jobs import Job

MIB = 1 << 20


def test_rates_begin_with_the_nominal_seconds() -> None:
    rates = Pace(1).rates()
    assert rates == {level: BUDGETS[level].seconds for level in (Level.BEST, Level.BALANCED, Level.FAST)}


@pytest.mark.parametrize(
    ("mib", "seconds", "level"),
    [
        (1, 1.01 * BUDGETS[Level.BEST].seconds / RESERVE, Level.BEST),
        (1, 0.99 * BUDGETS[Level.BEST].seconds / RESERVE, Level.BALANCED),
        (100, 170.0, Level.BALANCED),
        (100, 150.0, Level.FAST),
        (1000, 1.0, Level.FAST),
        (1, -5.0, Level.FAST),
        (0, 0.0, Level.BEST),
    ],
)
def test_the_slowest_level_is_taken_at_which_the_backlog_is_done_in_time(
    mib: int, seconds: float, level: Level
) -> None:
    assert Pace(1).choose(mib * MIB, seconds) is level


def test_more_lanes_do_more() -> None:
    assert [Pace(lanes).choose(10 * MIB, 100.0) for lanes in (1, 2)] == [Level.BALANCED, Level.BEST]


def test_without_a_limit_a_backlog_may_take_a_day() -> None:
    most = int(HORIZON * 0.8 / BUDGETS[Level.BEST].seconds)
    assert Pace(1).choose(most * MIB, math.inf) is Level.BEST
    assert Pace(1).choose((most + 1) * MIB, math.inf) is Level.BALANCED


def test_measurements_replace_what_was_believed_and_are_kept_apart_by_kind() -> None:
    pace = Pace(1)
    for _ in range(100):
        pace.note(Level.BEST, "text", 32 * MIB, 32.0)
    assert pace.rates()[Level.BEST] == pytest.approx(1.0)
    assert pace.rates()[Level.BALANCED] == BUDGETS[Level.BALANCED].seconds
    pace.note(Level.FAST, "binary", 3200 * MIB, 80.0)
    assert pace.rates()[Level.BEST] == pytest.approx((1.0 + BUDGETS[Level.BEST].seconds) / 2)


def test_an_empty_chunk_tells_nothing() -> None:
    pace = Pace(1)
    pace.note(Level.BEST, "text", 0, 5.0)
    assert pace.rates() == Pace(1).rates()


@pytest.mark.parametrize(
    ("setting", "asked", "named"),
    [
        ("auto", None, "best"),
        ("fast", "auto", "best"),
        ("auto", "fast", "fast"),
        ("fast", None, None),
        ("best", "balanced", "balanced"),
    ],
)
def test_only_what_says_auto_gets_a_level(bench: Bench, setting: str, asked: str | None, named: str | None) -> None:
    job = Job("job-1", "inbox/a.json", b"", (), (), level=asked)
    choice = LevelChoice(setting, Pace(1), lambda: math.inf, bench.log)
    assert choice.settle(job, MIB).level == named


def test_a_jobs_level_is_named_once_and_told_in_the_recipe(make_bench: Callable[..., Bench]) -> None:
    left = [60.0, 1e-9]
    log = make_bench().log
    bench = make_bench(level="auto", settle_level=LevelChoice("auto", Pace(1), lambda: left.pop(0), log).settle)
    bench.submit("play.txt", TEXT, chunk_size=1000)
    bench.run()
    told = [bench.json(f"compressed_chunks/play.txt/chunk_000{n}/recipe.json")["stats"]["level"] for n in range(3)]
    assert told == ["best"] * 3
    bench.submit("late.txt", TEXT)
    bench.run()
    assert bench.json("compressed_chunks/late.txt/chunk_0000/recipe.json")["stats"]["level"] == "fast"
    assert left == []


def test_the_log_tells_what_a_level_was_chosen_for(bench: Bench) -> None:
    LevelChoice("auto", Pace(1), lambda: 1.0, bench.log).settle(Job("job-1", "inbox/a.json", b"", (), ()), 7 * MIB)
    (line,) = [event for event in bench.events() if event["event"] == "level_chosen"]
    assert (line["level"], line["compression"], line["backlog"], line["seconds_left"]) == ("info", "fast", 7 * MIB, 1)
    wanted = {str(level): BUDGETS[level].seconds for level in (Level.BEST, Level.BALANCED, Level.FAST)}
    assert line["seconds_per_mib"] == wanted
