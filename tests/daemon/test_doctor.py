import json
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.busy_tree import write_status
from fakes.command_line import CommandLine
from fakes.github.server import FakeGithub
from fakes.workflow_step import hub

from panini_daemon.compressors import Registry
from panini_daemon.compressors.passthrough import Passthrough
from panini_daemon.config import load
from panini_daemon.config.settings import Settings
from panini_daemon.doctor import machine, tree
from panini_daemon.doctor.findings import Finding, Health, examine, good
from panini_daemon.exit_codes import ExitCode
from panini_daemon.gpu_use import GpuUse
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import open_root

__all__ = ["hub"]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    (tmp_path / "PaniniFS").mkdir()
    made = LocalStore(tmp_path / "PaniniFS")
    open_root(made, create=True, clock=SystemClock())
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(
        {"root": tmp_path / "PaniniFS", "spool": tmp_path / "spool", "device": "cpu"}, environ={}, cwd=tmp_path
    ).settings


def healths(findings: Iterable[Finding]) -> dict[str, Health]:
    return {finding.name: finding.health for finding in findings}


def told(ran: Any) -> dict[str, dict[str, str]]:
    return {one["name"]: one for one in json.loads(ran.out)["findings"]}


def test_a_good_tree_gives_no_bad_finding_and_leaves_no_file(cli: CommandLine, store: LocalStore) -> None:
    before = sorted(path for path in (cli.folder / "PaniniFS").rglob("*"))
    ran = cli("doctor", "--json")
    assert ran.code == ExitCode.OK
    found = told(ran)
    assert {
        "python",
        "packages",
        "gpu",
        "plugins",
        "models",
        "spool",
        "root",
        "writing",
        "space",
        "delay",
        "workers",
    } < set(found)
    assert {"inbox", "leases", "failed jobs", "github", "clock"} < set(found)
    assert sorted(path for path in (cli.folder / "PaniniFS").rglob("*")) == before


def test_a_root_that_is_no_tree_is_bad_and_ends_with_3(cli: CommandLine) -> None:
    ran = cli("doctor")
    assert ran.code == ExitCode.DAMAGE
    assert "is no tree" in ran.out
    assert "start the worker once" in ran.out


def test_every_finding_that_is_not_good_has_a_remedy(cli: CommandLine, store: LocalStore) -> None:
    store.write("failed/job-1/error.json", b"{}")
    store.write("inbox/bad.json", b"[]")
    write_status(store, "gone", datetime.now(UTC), age=1e6)
    found = json.loads(cli("doctor", "--json").out)["findings"]
    wrong = [one for one in found if one["health"] in {"warning", "bad"}]
    assert {"workers", "inbox", "failed jobs"} <= {one["name"] for one in wrong}
    assert all(one["remedy"] for one in wrong)


def test_a_check_that_fails_by_itself_does_not_keep_the_others(store: LocalStore) -> None:
    def fail() -> Iterable[Finding]:
        raise RuntimeError("odd")

    found = list(examine([("one", fail), ("two", lambda: [good("two", "fine")])]))
    assert healths(found) == {"one": Health.BAD, "two": Health.GOOD}
    assert "RuntimeError: odd" in found[0].found


@pytest.mark.parametrize(("version", "health"), [((3, 10, 9), Health.BAD), ((3, 11, 0), Health.GOOD)])
def test_an_old_python_is_bad(version: tuple[int, ...], health: Health) -> None:
    assert healths(machine.check_python(version)) == {"python": health}


def test_packages_that_are_missing_or_too_old_are_named() -> None:
    (finding,) = machine.check_packages(["numpy>=99", "no-such-thing>=1", 'moto>=1; extra == "dev"', "rich"])
    assert finding.health is Health.BAD
    assert "no-such-thing is missing" in finding.found
    assert "numpy" in finding.found
    assert "moto" not in finding.found
    assert healths(machine.check_packages()) == {"packages": Health.GOOD}


def test_a_gpu_that_is_not_used_is_told(settings: Settings) -> None:
    (finding,) = machine.check_gpu(settings, lambda: [GpuUse(0, "NVIDIA L4", 0, 0, 1, "580.1")])
    assert "NVIDIA L4 with driver 580.1 is there and not used" in finding.found


@pytest.mark.slow
def test_a_gpu_that_torch_cannot_reach_is_bad(settings: Settings) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU that torch reaches")
    assert healths(machine.check_gpu(replace(settings, device="cuda:0"))) == {"gpu": Health.BAD}


def test_a_spool_in_the_root_or_without_room_is_told(settings: Settings) -> None:
    assert healths(machine.check_spool(settings)) == {"spool": Health.GOOD}
    assert healths(machine.check_spool(settings, room=1 << 60)) == {"spool": Health.WARNING}
    assert isinstance(settings.root, Path)
    assert healths(machine.check_spool(replace(settings, spool=settings.root / "spool"))) == {"spool": Health.BAD}


def test_a_plugin_that_does_not_load_is_bad() -> None:
    registry = Registry([Passthrough()])
    registry._broken["acme_v1"] = "compressor 'acme_v1' does not load"
    assert healths(machine.check_plugins(registry)) == {"plugins": Health.BAD}


def test_a_folder_whose_clock_is_off_is_told(
    store: LocalStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = LocalStore.write

    def write_late(self: LocalStore, path: str, data: bytes, *, durable: bool = True) -> None:
        write(self, path, data, durable=durable)
        os.utime(settings.root / path, (1e9, 1e9))  # type: ignore[operator]

    monkeypatch.setattr(LocalStore, "write", write_late)
    assert healths(tree.check_root(settings))["writing"] is Health.WARNING


def test_a_folder_that_reads_back_something_else_is_bad(
    store: LocalStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalStore, "read", lambda self, path: b"other")
    assert healths(tree._check_writing(settings, store) for _ in "1") == {"writing": Health.BAD}


def test_leases_that_nobody_renews_are_told(store: LocalStore, settings: Settings) -> None:
    from panini_daemon.storage.lease_entry import name_entry

    file = name_entry("job-1", 1, "ab" * 8, "worker").file
    store.write(f"leases/{file}", b"{}")
    later = datetime.now(UTC).timestamp() + 10 * settings.lease_stale
    assert healths(tree.check_leases(store, settings)) == {"leases": Health.GOOD}
    assert healths(tree.check_leases(store, settings, lambda: later)) == {"leases": Health.WARNING}


def test_a_slow_folder_is_told_from_the_workers_logs(store: LocalStore) -> None:
    def line(second: int, event: str) -> bytes:
        stamp = f"2026-03-01T12:00:{second:02d}.000Z"
        return json.dumps({"timestamp": stamp, "event": event, "seconds": 99, "settle": 60}).encode() + b"\n"

    assert healths(tree.check_delay(store)) == {"delay": Health.GOOD}
    store.write("logs/w.jsonl", line(1, "folder_slow"))
    assert healths(tree.check_delay(store)) == {"delay": Health.WARNING}
    store.append("logs/w.jsonl", line(2, "settle_changed"))
    assert healths(tree.check_delay(store)) == {"delay": Health.GOOD}


def test_a_clock_that_is_a_minute_off_is_told() -> None:
    now = datetime.now(UTC)
    assert healths(tree.check_clock(now - timedelta(seconds=300), now)) == {"clock": Health.WARNING}
    assert healths(tree.check_clock(now - timedelta(seconds=3), now)) == {"clock": Health.GOOD}


def github(cli: CommandLine, hub: FakeGithub, monkeypatch: pytest.MonkeyPatch, token: str | None) -> dict[str, Any]:
    monkeypatch.setenv("PANINI_GITHUB_URL", hub.url)
    monkeypatch.setenv("GITHUB_REPO", f"{hub.owner}/{hub.repo}")
    if token:
        monkeypatch.setenv("GITHUB_TOKEN", token)
    ran = cli("doctor", "--json")
    assert token is None or token not in ran.out + ran.err
    return told(ran)


def test_a_repository_that_answers_is_good_all_over(
    cli: CommandLine, store: LocalStore, hub: FakeGithub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.commit({"pending_compression/a/manifest.json": b"{}"})
    found = github(cli, hub, monkeypatch, hub.token)
    names = ("repository", "token", "rate limit", "path", "clock")
    assert {name: found[name]["health"] for name in names} == dict.fromkeys(names, "good")


def test_a_folder_that_is_not_in_the_repository_is_told(
    cli: CommandLine, store: LocalStore, hub: FakeGithub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.commit({"README.md": b"nothing else"})
    assert github(cli, hub, monkeypatch, hub.token)["path"]["health"] == "warning"


def test_a_token_that_is_refused_is_bad_and_never_shown(
    cli: CommandLine, store: LocalStore, hub: FakeGithub, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "ghp_" + "wrong0000000000000000"
    found = github(cli, hub, monkeypatch, wrong)
    assert "bad" in {found[name]["health"] for name in ("token", "repository") if name in found}


def test_a_token_that_may_not_write_is_bad_where_something_is_to_be_reported(
    cli: CommandLine, store: LocalStore, hub: FakeGithub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.commit({"pending_compression/a/manifest.json": b"{}"})
    hub.permissions = {**hub.permissions, "push": False}
    assert github(cli, hub, monkeypatch, hub.token)["token"]["health"] == "bad"
    monkeypatch.setenv("PANINI_GITHUB_REPORT", "off")
    assert github(cli, hub, monkeypatch, hub.token)["token"]["health"] == "good"


def test_a_github_that_is_away_is_bad_and_the_rest_is_still_told(
    cli: CommandLine, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANINI_GITHUB_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("GITHUB_REPO", "someone/archive")
    found = told(cli("doctor", "--json"))
    assert found["repository"]["health"] == "bad"
    assert found["root"]["health"] == "good"
    assert "repository" not in told(cli("doctor", "--json", "--offline"))
