"""docs/operating.md: errors, events, waits and the way back of a failed job are the program's."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.command_line import CommandLine
from fakes.events import logged_events
from fakes.markdown import fences, quoted, table

from panini_daemon.config.defaults import DRIVE, LOCAL
from panini_daemon.config.values import parse_duration
from panini_daemon.exit_codes import ExitCode
from panini_daemon.failures import ACTIONS
from panini_daemon.heartbeat import format_status
from panini_daemon.progress import Tally
from panini_daemon.service import Phase

ACTION_NAMES = {kind.__name__: action.value for kind, action in ACTIONS.items()}


def test_operating_md_says_what_to_do_about_each_error() -> None:
    rows = table("docs/operating.md", "error", "action", "what to do")
    assert {quoted(row["error"])[0]: row["action"] for row in rows} == ACTION_NAMES
    assert all(len(row["what to do"]) > 7 for row in rows)


def test_monitoring_md_lists_exactly_the_events_that_are_logged() -> None:
    rows = table("docs/monitoring.md", "event", "level", "meaning")
    told = {event: row["level"] for row in rows for event in quoted(row["event"])}
    assert told == logged_events()


def test_monitoring_md_lists_exactly_the_fields_of_the_status_file() -> None:
    clock = FakeClock()
    status = format_status(
        worker="w",
        phase="idle",
        device="cpu",
        started=clock.now(),
        now=clock.now(),
        interval=10.0,
        queue={},
        totals=Tally().totals(0),
    )
    rows = {quoted(row["field"])[0]: row["meaning"] for row in table("docs/monitoring.md", "field", "meaning")}
    assert list(rows) == list(json.loads(status))
    assert rows["state"].split(", ") == list(Phase)


def test_the_waits_in_operating_md_are_the_profiles() -> None:
    for row in table("docs/operating.md", "setting", "local", "shared", "what it waits for"):
        name = quoted(row["setting"])[0]
        for column, profile in (("local", LOCAL), ("shared", DRIVE)):
            value = 0.75 * profile.lease_stale if name == "lease_stop" else getattr(profile, name)
            assert parse_duration(quoted(row[column])[0]) == value, (name, column)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["submitted", "tree"])
def test_a_failed_job_is_done_after_what_operating_md_says(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CommandLine(tmp_path, monkeypatch, capsys)
    if form == "tree":
        line.write("PaniniFS/inbox/a.txt/chunk_0000/data.bin", b"words")
        manifest = {"total_chunks": 1, "chunks": [{"chunk_id": 0, "offset": 0, "size": 5}]}
        line.write("PaniniFS/inbox/a.txt/manifest.json", json.dumps(manifest).encode())
    else:
        line.write("a.txt", b"words")
        assert line("submit", "a.txt").code == 0
    monkeypatch.setenv("PANINI_ARRIVAL_TIMEOUT", "0s")
    assert line("--once", "--quiet", "--method", "no_such_method_v1").code == ExitCode.DAMAGE
    (folder,) = (tmp_path / "PaniniFS/failed").iterdir()
    error = json.loads((folder / "error.json").read_text())
    assert f"manifest.json to {error['manifest_path']}" in error["what_to_do"]
    block = next(fence.text for fence in fences("docs/operating.md", "sh") if "cp -r" in fence.text)
    old = re.search(r"failed/(\S+)", block)
    assert old
    script = block.replace("/srv/PaniniFS", str(tmp_path / "PaniniFS")).replace(old[1], folder.name)
    script = script.replace("inbox/letters-2026.json", error["manifest_path"])
    subprocess.run(["sh", "-euc", script], check=True)
    assert line("--once", "--quiet").code == ExitCode.OK
    assert not any((tmp_path / "PaniniFS/failed").iterdir())
    assert line("restore", "a.txt", "-o", "back").code == 0
    assert (tmp_path / "back").read_bytes() == b"words"
