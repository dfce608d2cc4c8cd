"""Settings that are refused, and what the complaint says."""

from pathlib import Path

import pytest
from fakes.config_loading import load_in, wrong
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.config.errors import ConfigError
from panini_daemon.config.fields import Fields


def test_every_wrong_setting_is_listed_with_value_place_and_expectation(tmp_path: Path) -> None:
    (tmp_path / "panini.toml").write_text('level = "bset"\nretry_delay = -1\n', encoding="utf-8")
    found = wrong(
        tmp_path,
        {"cpu_workers": 0, "lease_stale": 60, "lease_stop": "70s"},
        {"PANINI_POLL_MIN": "fast", "PANINI_LOG_MAX_BYTES": "1KiB"},
    )
    assert found == {
        "level": f"level = 'bset' ({tmp_path}/panini.toml): expected 'fast', 'balanced', 'best', 'max' or 'auto'",
        "retry_delay": f"retry_delay = -1 ({tmp_path}/panini.toml): "
        'expected a duration such as 90, "90s", "5m" or "12h" (units: ms, s, m, h, d)',
        "cpu_workers": "cpu_workers = 0 (--cpu-workers): expected at least 1",
        "log_max_bytes": "log_max_bytes = '1KiB' (PANINI_LOG_MAX_BYTES): expected at least 4KiB",
        "poll_min": "poll_min = 'fast' (PANINI_POLL_MIN): "
        'expected a duration such as 90, "90s", "5m" or "12h" (units: ms, s, m, h, d)',
        "lease_stop": "lease_stop = 70s (--lease-stop): expected less than lease_stale = 1m (--lease-stale)",
    }


def test_the_message_counts_and_lists_the_problems(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_in(tmp_path, {"level": "x", "method": "Y"})
    first, *rest = str(caught.value).splitlines()
    assert first == "2 settings are wrong:"
    assert [line.split(" = ")[0] for line in rest] == ["  level", "  method"]


@pytest.mark.parametrize(
    ("flags", "environ", "text", "complaint"),
    [
        ({}, {"PANINI_POLLMIN": "1"}, "", "pollmin (PANINI_POLLMIN): {}; did you mean poll_min?"),
        ({}, {}, "lease-stale = 1", "lease-stale ({file}): {}; did you mean lease_stale?"),
        ({"wroker": "x"}, {}, "", "wroker (--wroker): {}; did you mean worker?"),
        ({}, {"PANINI_XYZZY_PLUGH": "1"}, "", "xyzzy_plugh (PANINI_XYZZY_PLUGH): {}"),
        ({}, {}, "[panini]\nlevel = 'fast'", "panini ({file}): {}"),
    ],
)
def test_an_unknown_setting_is_refused_and_the_nearest_one_named(
    tmp_path: Path, flags: dict[str, object], environ: dict[str, str], text: str, complaint: str
) -> None:
    path = tmp_path / "panini.toml"
    path.write_text(text, encoding="utf-8")
    expected = complaint.format("there is no such setting", file=path)
    assert list(wrong(tmp_path, flags, environ).values()) == [expected]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"level = ", "is not TOML"), (b"level = '\xff'", "is not UTF-8 (at byte 9)"), (None, "cannot be read")],
)
def test_a_file_that_cannot_be_read_is_reported_beside_other_problems(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "named.toml"
    if content is not None:
        path.write_bytes(content)
    found = wrong(tmp_path, {"level": "x"}, {"PANINI_CONFIG": str(path)})
    assert words in found[str(path)]
    assert "(PANINI_CONFIG)" in found[str(path)]
    assert "level" in found


def test_a_file_in_the_root_may_not_name_the_worker_or_the_root(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/panini.toml").write_text('worker = "w"\nroot = "x"\n', encoding="utf-8")
    assert set(wrong(tmp_path, {"root": "tree"})) == {"worker", "root"}
    (tmp_path / "panini.toml").write_text('worker = "w"\nroot = "x"\n', encoding="utf-8")
    assert load_in(tmp_path).settings.worker == "w"


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"PANINI_GITHUB_TOKEN": "s3c ret"}, ""),
        ({"PANINI_GITHUB_TOKN": "s3cret"}, ""),
        ({}, 'github_token = "s3cret"'),
        ({}, 'githubtoken = "s3cret"'),
    ],
)
def test_a_wrong_or_misplaced_token_is_not_shown(tmp_path: Path, environ: dict[str, str], text: str) -> None:
    (tmp_path / "panini.toml").write_text(text, encoding="utf-8")
    (complaint,) = wrong(tmp_path, environ=environ).values()
    assert "s3c" not in complaint


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ({"poll_min": 5, "poll_max": 1}, "poll_min"),
        ({"retry_delay": 5, "retry_delay_max": 1}, "retry_delay"),
        ({"lease_stop": 60, "lease_stale": 60}, "lease_stop"),
        ({"lease_refresh": 6, "lease_stop": 10, "lease_stale": 12}, "lease_refresh"),
        ({"lease_settle": 50, "lease_stale": 60}, "lease_settle"),
        ({"runtime_limit": 10, "drain_time": 10}, "drain_time"),
        ({"root": "tree", "spool": "tree/spool"}, "spool"),
        ({"root": "tree", "spool": "tree"}, "spool"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, flags: dict[str, object], name: str) -> None:
    assert set(wrong(tmp_path, flags)) == {name}


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(
        ["poll_min", "poll_max", "retry_delay", "lease_settle", "lease_refresh", "lease_stale", "lease_stop"]
    ),
    st.floats(0.001, 1e6),
    st.booleans(),
)
def test_one_wait_set_alone_never_contradicts_the_defaults_of_a_local_folder(
    name: str, seconds: float, shared: bool
) -> None:
    flags: dict[str, object] = {name: seconds, "shared": shared}
    if shared and name in {"lease_stale", "lease_stop"}:
        # Below twice the time that a claim takes to settle on Drive, it is a contradiction.
        flags[name] = seconds + 120
    assert getattr(load_in(Path("/nowhere"), flags).settings, name) == flags[name]


def test_a_setting_that_is_wrong_by_itself_is_not_reported_twice(tmp_path: Path) -> None:
    assert set(wrong(tmp_path, {"lease_stale": "x", "lease_stop": 1000, "lease_settle": 1})) == {"lease_stale"}


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*Fields.model_fields, "unknown"]),
        st.one_of(st.text(max_size=8), st.integers(), st.floats(), st.booleans(), st.lists(st.text(), max_size=2)),
        max_size=4,
    )
)
def test_any_flags_load_or_are_refused_as_wrong_settings(flags: dict[str, object]) -> None:
    try:
        load_in(Path("/nowhere"), flags)
    except ConfigError as error:
        assert error.problems  # noqa: PT017


def test_a_worker_id_leaves_room_for_the_number_that_several_workers_add(tmp_path: Path) -> None:
    assert load_in(tmp_path, {"worker": "w" * 78, "workers": "9"}).settings.workers == 9
    assert "worker" in wrong(tmp_path, {"worker": "w" * 78, "workers": "10"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("level = " + "[" * 2000 + "]" * 2000, "nested too deeply"),
        ("cpu_workers = " + "1" * 5000, "is not TOML"),
        ("cpu_workers = 0x" + "f" * 9000, "thousands of digits"),
        ("level = 2024-13-45", "is not TOML"),
        ("#" * (2 << 20), "expected a TOML file of at most"),
    ],
)
def test_a_file_that_python_cannot_take_is_one_line_of_complaint(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "panini.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        load_in(tmp_path)
    assert len(str(caught.value)) < 1000
