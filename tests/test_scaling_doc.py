"""docs/scaling.md: its waits and its requests are the program's."""

import importlib.util
from types import ModuleType

import pytest
from fakes.markdown import ROOT, quoted, read, table

from panini_daemon import stores
from panini_daemon.config.defaults import OBJECTS
from panini_daemon.config.values import parse_duration
from panini_daemon.storage.object_connection import EXTRA
from panini_daemon.supervisor import DEATHS, HEALTHY, LONGEST_PAUSE


def test_the_waits_are_the_profiles() -> None:
    rows = {
        quoted(row["setting"])[0]: row
        for row in table("docs/scaling.md", "setting", "object store", "what it waits for")
    }
    told = {name: parse_duration(quoted(row["object store"])[0]) for name, row in rows.items()}
    assert told.pop("lease_stop") == 0.75 * OBJECTS.lease_stale
    assert told == {name: getattr(OBJECTS, name) for name in told}
    assert f"`log_max_bytes` is {OBJECTS.log_max_bytes >> 20} MiB there" in read("docs/scaling.md")


def test_what_is_to_be_installed_and_when_a_worker_is_given_up_are_the_programs() -> None:
    text = " ".join(read("docs/scaling.md").split())
    assert f'pip install "{EXTRA}"' in text
    assert f"doubles from 1 s to {LONGEST_PAUSE:.0f} s" in text
    assert (DEATHS, HEALTHY) == (5, 60.0)
    assert "After five deaths, each within a minute of its start" in text


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(stores, "connect", stores.connect)  # the benchmark's own is taken back at the end
    spec = importlib.util.spec_from_file_location("objects", ROOT / "benchmarks/objects.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_jobs_requests_are_as_few_as_it_says(objects: ModuleType) -> None:
    few, more, two, cut = (objects.count(jobs, chunks) for jobs, chunks in ((2, 1), (6, 1), (2, 2), (2, 5)))
    rows = table("docs/scaling.md", "requests", *objects.KINDS)
    assert {row["requests"]: [float(row[kind]) for kind in objects.KINDS] for row in rows} == {
        "a job of one chunk": objects.rates(few, more, 4),
        "of these, on its lease": objects.rates(few, more, 4, "leases"),
        "its second chunk, with which it has a run": objects.rates(few, two, 2),
        "each further chunk": objects.rates(two, cut, 6),
    }
