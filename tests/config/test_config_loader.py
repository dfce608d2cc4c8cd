"""Settings that load: their defaults, which place wins, and how they are listed."""

import dataclasses
import re
from pathlib import Path

import pytest
from fakes.config_loading import MACHINE, load_in

from panini_daemon.config.fields import Fields
from panini_daemon.config.listing import describe
from panini_daemon.config.machine import parse_mounts
from panini_daemon.config.settings import Settings


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
