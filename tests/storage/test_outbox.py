import json
from dataclasses import replace
from typing import BinaryIO

import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore
from fakes.report_scene import completed, failed, job

from panini_daemon.storage.errors import NotFound, RootLost, StorageError, StoreUnavailable, UnsafeName
from panini_daemon.storage.outbox import ABANDONED, Outbox
from panini_daemon.storage.reports import ReportInvalid, format_report
from panini_daemon.storage.root import MARKER

HERE = "someone/archive"


@pytest.fixture
def told() -> list[StorageError]:
    return []


@pytest.fixture
def outbox(store: MemoryStore, clock: FakeClock, told: list[StorageError]) -> Outbox:
    return Outbox(store, "w1", clock, tell=told.append)


def test_a_tree_without_the_folder_has_no_reports(outbox: Outbox) -> None:
    assert outbox.pending() == []
    assert outbox.due(HERE) == []


def test_an_added_report_is_in_the_tree_and_due(outbox: Outbox, store: MemoryStore) -> None:
    report = job("j", completed("a/chunk_0000"))
    outbox.add(report)
    assert store.files["reports/j.json"] == format_report(report)
    assert outbox.pending() == ["j"]
    assert outbox.read("j") == report
    assert outbox.due(HERE) == [report]


def test_own_reports_of_an_earlier_start_are_due_at_once(outbox: Outbox, store: MemoryStore, clock: FakeClock) -> None:
    outbox.add(job("j", completed("a/chunk_0000")))
    assert [report.job_id for report in Outbox(store, "w1", clock).due(HERE)] == ["j"]


def test_the_oldest_come_first(outbox: Outbox) -> None:
    for name, at in (("a", "2026-03"), ("b", "2026-01"), ("c", "2026-02")):
        outbox.add(job(name, completed(name), at=at))
    assert [report.job_id for report in outbox.due(HERE)] == ["b", "c", "a"]


def test_reports_about_another_repository_stay(outbox: Outbox) -> None:
    outbox.add(job("j", completed("a"), repository="someone/else"))
    assert outbox.due(HERE) == []
    assert outbox.waiting(HERE) == 0
    assert outbox.pending() == ["j"]


def test_letter_case_of_a_repository_does_not_count(outbox: Outbox) -> None:
    outbox.add(job("j", completed("a")))
    assert len(outbox.due("SomeOne/Archive")) == 1


def test_another_workers_report_is_due_once_it_was_left_alone(
    outbox: Outbox, store: MemoryStore, clock: FakeClock
) -> None:
    other = Outbox(store, "w2", clock)
    report = job("j", completed("a"), failed("b"), worker="w2")
    other.add(report)
    assert outbox.due(HERE) == []
    clock.advance(ABANDONED - 1)
    assert outbox.due(HERE) == []
    [sending] = other.due(HERE)
    other.rewrite(replace(sending, dispatched=1))  # a sign of life
    clock.advance(2)
    assert outbox.due(HERE) == []
    clock.advance(ABANDONED)
    assert outbox.due(HERE) == [replace(report, dispatched=1)]


def test_a_report_that_was_taken_over_does_not_wait_again(outbox: Outbox, store: MemoryStore, clock: FakeClock) -> None:
    Outbox(store, "w2", clock).add(job("j", completed("a"), failed("b"), worker="w2"))
    outbox.due(HERE)
    clock.advance(ABANDONED)
    [report] = outbox.due(HERE)
    outbox.rewrite(replace(report, dispatched=1))
    assert outbox.due(HERE) == [replace(report, dispatched=1)]


def test_a_report_that_another_worker_has_sent_is_forgotten(
    outbox: Outbox, store: MemoryStore, clock: FakeClock
) -> None:
    other = Outbox(store, "w2", clock)
    other.add(job("j", completed("a"), worker="w2"))
    outbox.due(HERE)
    assert outbox.waiting(HERE) == 1
    other.delete(other.due(HERE)[0])
    clock.advance(ABANDONED)
    assert outbox.due(HERE) == []
    assert outbox.waiting(HERE) == 0


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff" * 20])
def test_a_damaged_file_is_told_once_and_does_not_block_others(
    outbox: Outbox, store: MemoryStore, told: list[StorageError], data: bytes
) -> None:
    store.write("reports/bad.json", data)
    outbox.add(job("good", completed("a")))
    for _ in range(3):
        assert [report.job_id for report in outbox.due(HERE)] == ["good"]
    assert [type(error) for error in told] == [ReportInvalid]
    assert "reports/bad.json" in str(told[0])
    assert outbox.waiting(HERE) == 1


def test_a_damaged_file_that_is_repaired_counts_again(
    outbox: Outbox, store: MemoryStore, told: list[StorageError]
) -> None:
    store.write("reports/j.json", b"{")
    outbox.due(HERE)
    store.write("reports/j.json", format_report(job("j", completed("a"))))
    assert [report.job_id for report in outbox.due(HERE)] == ["j"]
    assert len(told) == 1


def test_a_shared_folders_copy_is_told_and_not_sent(
    outbox: Outbox, store: MemoryStore, told: list[StorageError]
) -> None:
    report = job("j", completed("a"))
    outbox.add(report)
    store.write("reports/j (1).json", format_report(report))
    assert [found.job_id for found in outbox.due(HERE)] == ["j"]
    assert "j (1)" in str(told[0])


def test_what_is_no_report_file_is_not_looked_at(outbox: Outbox, store: MemoryStore, told: list[StorageError]) -> None:
    for name in ("reports/x.tmp", "reports/.panini-new-1.json", "reports/refused/y.json", "reports/folder.json/z"):
        store.write(name, b"?")
    store.link("reports/link.json")
    assert outbox.due(HERE) == []
    assert told == []


def test_a_name_that_cannot_be_a_jobs_is_told_once(
    outbox: Outbox, store: MemoryStore, told: list[StorageError]
) -> None:
    store.write("reports/x .json", b"{}")
    outbox.due(HERE)
    outbox.due(HERE)
    assert [type(error) for error in told] == [UnsafeName]


def test_a_job_id_that_is_no_file_name_is_refused(outbox: Outbox) -> None:
    with pytest.raises(UnsafeName):
        outbox.add(job("../x", completed("a")))


def test_own_files_are_not_read_again(outbox: Outbox, store: MemoryStore) -> None:
    outbox.add(job("j", completed("a")))
    for _ in range(3):
        outbox.due(HERE)
    assert store.count("read") == 0


def test_others_files_are_read_once(outbox: Outbox, store: MemoryStore, clock: FakeClock) -> None:
    Outbox(store, "w2", clock).add(job("j", completed("a"), worker="w2"))
    for _ in range(3):
        outbox.due(HERE)
    assert store.count("open") == 1


def test_a_newer_report_of_a_job_is_neither_deleted_nor_overwritten(outbox: Outbox) -> None:
    outbox.add(job("j", failed("a")))
    [old] = outbox.due(HERE)
    new = job("j", completed("a"))
    outbox.add(new)  # the job was tried again while the old report was under way
    outbox.rewrite(replace(old, dispatched=1))
    outbox.delete(replace(old, dispatched=1))
    assert outbox.read("j") == new
    assert outbox.due(HERE) == [new]


def test_a_report_added_during_a_look_is_not_lost(outbox: Outbox, store: MemoryStore, clock: FakeClock) -> None:
    old, new = job("j", failed("a")), job("j", completed("a"))
    store.write("reports/j.json", format_report(old))
    open_ = store.open

    def open_and_add(path: str) -> BinaryIO:
        file = open_(path)
        outbox.add(new)
        return file

    store.open = open_and_add  # type: ignore[method-assign]
    assert outbox.due(HERE) == [new]


def test_progress_that_could_not_be_written_is_not_forgotten_while_running(outbox: Outbox, store: MemoryStore) -> None:
    outbox.add(job("j", completed("a"), completed("b")))
    [report] = outbox.due(HERE)
    store.fail(StoreUnavailable("away"), "write")
    with pytest.raises(StoreUnavailable):
        outbox.rewrite(replace(report, dispatched=1))
    assert outbox.due(HERE)[0].dispatched == 1


def test_a_tree_that_went_away_is_not_taken_for_empty(outbox: Outbox, store: MemoryStore) -> None:
    outbox.add(job("j", completed("a")))
    store.delete(MARKER)
    with pytest.raises(RootLost):
        outbox.due(HERE)
    assert outbox.waiting(HERE) == 1


def test_reading_an_absent_report_says_so(outbox: Outbox) -> None:
    with pytest.raises(NotFound):
        outbox.read("j")


def test_refused_chunks_are_noted_with_their_reason(outbox: Outbox, store: MemoryStore) -> None:
    report = job("j", completed("a"), failed("b"), commit="9f2c")
    outbox.refuse(report, [(report.chunks[0], "too odd")])
    outbox.refuse(report, [(report.chunks[1], "odd, too")])
    found = json.loads(store.files["reports/refused/j.json"])
    assert [chunk["reason"] for chunk in found["refused"]] == ["too odd", "odd, too"]
    assert [chunk["chunk_path"] for chunk in found["refused"]] == ["pending_compression/a", "pending_compression/b"]
    assert found["commit"] == "9f2c"
