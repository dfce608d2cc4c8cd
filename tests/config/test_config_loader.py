import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.config.errors import ConfigError
from panini_daemon.config.fields import Fields
from panini_daemon.config.listing import describe
from panini_daemon.config.loader import load
from panini_daemon.config.machine import Machine, parse_mounts
from panini_daemon.config.settings import Loaded, Settings

MACHINE = Machine(
    host="my host.local",
    pid=42,
    nonce="abc123",
    user="1000",
    cores=6,
    memory=10 * 2**30,
    temporary=Path("/tmp"),
)


def load_in(
    cwd: Path,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    machine: Machine = MACHINE,
) -> Loaded:
    return load(flags or {}, environ=environ or {}, cwd=cwd, machine=machine)


def wrong(
    cwd: Path, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Load wrong settings and return each complaint by the setting's name."""
    with pytest.raises(ConfigError) as caught:
        load_in(cwd, flags, environ)
    assert caught.value.__context__ is None
    return {problem.name: str(problem) for problem in caught.value.problems}


def test_the_written_and_the_used_settings_have_the_same_names_in_the_same_order() -> None:
    assert [field.name for field in dataclasses.fields(Settings)] == list(Fields.model_fields)


def test_without_any_setting_a_local_folder_gets_local_defaults(tmp_path: Path) -> None:
    loaded = load_in(tmp_path)
    found = loaded.settings
    assert found.root == tmp_path / "PaniniFS"
    assert found.worker == "my-host-local-42-abc123"
    assert (found.level, found.method, found.device) == ("best", "auto", "auto")
    assert (found.cpu_workers, found.memory_budget) == (6, 5 * 2**30)
    assert found.shared is False
    assert (found.poll_min, found.poll_max, found.arrival_timeout) == (0.25, 2.0, 10.0)
    assert (found.lease_settle, found.lease_refresh, found.lease_stale, found.lease_stop) == (
        0.0,
        10.0,
        60.0,
        45.0,
    )
    assert found.spool == Path("/tmp/panini-1000").resolve()
    assert found.github_token is None
    assert set(loaded.origin.values()) == {"default"}
    assert loaded.config_file is None


def test_on_google_drive_the_root_and_the_waits_are_drives(tmp_path: Path) -> None:
    drive = tmp_path / "drive/MyDrive"
    found = load_in(tmp_path, machine=dataclasses.replace(MACHINE, drive=drive)).settings
    assert found.root == drive / "PaniniFS"
    assert found.shared is True
    assert (found.poll_max, found.arrival_timeout, found.lease_settle) == (30.0, 3600.0, 60.0)
    assert (found.lease_refresh, found.lease_stale, found.lease_stop) == (120.0, 1800.0, 1350.0)


def test_a_fuse_mount_is_shared_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    fuse = dataclasses.replace(MACHINE, mounts=parse_mounts(f"r {tmp_path} fuse.rclone rw 0 0\n"))
    assert load_in(tmp_path, machine=fuse).settings.shared is True
    assert load_in(tmp_path, {"shared": "auto"}, machine=fuse).settings.shared is True
    alone = load_in(tmp_path, environ={"PANINI_SHARED": "false"}, machine=fuse).settings
    assert (alone.shared, alone.lease_settle) == (False, 0.0)
    assert load_in(tmp_path, {"shared": True}).settings.lease_settle == 60.0


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    path = tmp_path / "panini.toml"
    path.write_text('level = "fast"\nmethod = "text"\ndevice = "cpu"\n', encoding="utf-8")
    loaded = load_in(tmp_path, {"level": "max", "method": None}, {"PANINI_LEVEL": "balanced", "PANINI_METHOD": "image"})
    found = loaded.settings
    assert (found.level, found.method, found.device, found.max_attempts) == ("max", "image", "cpu", 3)
    origins = [loaded.origin[name] for name in ("level", "method", "device", "max_attempts")]
    assert origins == ["--level", "PANINI_METHOD", str(path), "default"]


def test_sizes_and_durations_are_taken_from_every_place(tmp_path: Path) -> None:
    (tmp_path / "panini.toml").write_text('memory_budget = "1GiB"\npoll_max = 7\n', encoding="utf-8")
    found = load_in(tmp_path, {"drain_time": "1m"}, {"PANINI_RUNTIME_LIMIT": "12h"}).settings
    assert (found.memory_budget, found.poll_max, found.drain_time, found.runtime_limit) == (
        2**30,
        7.0,
        60.0,
        43200.0,
    )


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert load_in(tmp_path, environ={"PANINI_LEVEL": "", "GITHUB_TOKEN": ""}).origin["level"] == "default"


def test_exactly_one_file_is_read_and_the_named_one_wins(tmp_path: Path) -> None:
    cwd, root = tmp_path / "cwd", tmp_path / "root"
    for folder, level in ((cwd, "fast"), (root, "balanced"), (tmp_path, "max")):
        folder.mkdir(exist_ok=True)
        (folder / "panini.toml").write_text(f'level = "{level}"\n', encoding="utf-8")
    (tmp_path / "other.toml").write_text('method = "text"\n', encoding="utf-8")
    flags = {"root": root}
    assert load_in(cwd, flags | {"config": "../other.toml"}).settings.level == "best"
    assert load_in(cwd, flags, {"PANINI_CONFIG": "../panini.toml"}).settings.level == "max"
    assert load_in(cwd, flags).config_file == cwd / "panini.toml"
    (cwd / "panini.toml").unlink()
    assert load_in(cwd, flags).config_file == root / "panini.toml"
    assert load_in(cwd, environ={"PANINI_ROOT": "../root"}).settings.level == "balanced"


def test_paths_are_relative_to_the_place_that_names_them(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "p.toml").write_text('root = "tree"\nspool = "work"\n', encoding="utf-8")
    found = load_in(tmp_path, {"config": "conf/p.toml", "spool": "mine"}).settings
    assert (found.root, found.spool) == (conf / "tree", tmp_path / "mine")


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert load_in(tmp_path, {"root": "~/x"}).settings.root == tmp_path / "home/x"


def test_the_files_own_variable_and_flag_are_no_settings(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("", encoding="utf-8")
    assert load_in(tmp_path, {"config": tmp_path / "a.toml"}).config_file == tmp_path / "a.toml"


def test_every_wrong_setting_is_listed_with_value_place_and_expectation(tmp_path: Path) -> None:
    (tmp_path / "panini.toml").write_text('level = "bset"\nretry_delay = -1\n', encoding="utf-8")
    found = wrong(
        tmp_path,
        {"cpu_workers": 0, "lease_stale": 60, "lease_stop": "70s"},
        {"PANINI_POLL_MIN": "fast", "PANINI_LOG_MAX_BYTES": "1KiB"},
    )
    assert found == {
        "level": f"level = 'bset' ({tmp_path}/panini.toml): expected 'fast', 'balanced', 'best' or 'max'",
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


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "PANINI_GITHUB_TOKEN"])
def test_the_token_comes_from_the_environment_and_is_never_shown(tmp_path: Path, name: str) -> None:
    loaded = load_in(tmp_path, environ={name: "s3cret"})
    assert loaded.settings.github_token is not None
    assert loaded.settings.github_token.get_secret_value() == "s3cret"
    assert loaded.origin["github_token"] == name
    assert "s3cret" not in repr(loaded) + str(loaded) + repr(describe(loaded))
    assert next(row.value for row in describe(loaded) if row.name == "github_token") == "********"


def test_the_products_own_token_variable_wins(tmp_path: Path) -> None:
    token = load_in(tmp_path, environ={"GITHUB_TOKEN": "a", "PANINI_GITHUB_TOKEN": "b"}).settings.github_token
    assert token is not None
    assert token.get_secret_value() == "b"


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


def test_the_listing_shows_what_a_file_may_hold_and_explains_everything(tmp_path: Path) -> None:
    rows = {row.name: row for row in describe(load_in(tmp_path, {"lease_stale": "90s", "memory_budget": "4GiB"}))}
    assert (rows["lease_stale"].value, rows["lease_stale"].origin) == ("90s", "--lease-stale")
    assert (rows["memory_budget"].value, rows["shared"].value, rows["github_token"].value) == (
        "4GiB",
        "false",
        "",
    )
    assert rows["chunk_timeout"].value == "5m"
    for row in rows.values():
        assert re.fullmatch(r"[A-Z].{30,}\.", row.description), row


def test_what_the_listing_shows_loads_to_the_same_settings(tmp_path: Path) -> None:
    loaded = load_in(tmp_path)
    flags = {row.name: row.value for row in describe(loaded) if row.value}
    assert load_in(tmp_path, flags).settings == loaded.settings


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


@pytest.mark.slow
def test_the_settings_can_be_imported_without_pydantic_settings() -> None:
    import subprocess
    import sys

    modules = "panini_daemon.config.loader, panini_daemon.config.listing"
    probe = f"import sys, {modules}; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("gpus", "device", "workers"),
    [(0, "auto", 1), (1, "auto", 1), (4, "auto", 4), (4, "cuda", 4), (4, "cuda:1", 1), (4, "cpu", 1)],
)
def test_auto_workers_are_one_for_each_gpu_that_may_be_used(
    tmp_path: Path, gpus: int, device: str, workers: int
) -> None:
    machine = dataclasses.replace(MACHINE, gpus=gpus)
    assert load_in(tmp_path, {"workers": "auto", "device": device}, machine=machine).settings.workers == workers
    assert load_in(tmp_path, {"device": device}, machine=machine).settings.workers == 1


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
