"""Which chunks are compressed as one: settled by the job alone, the same on every worker."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panini_daemon.grouping import RUN_BYTES, RUN_CHUNKS, TOGETHER, count_work, group, is_run, wants_runs
from panini_daemon.outcomes import Outcome, State
from panini_daemon.progress import JobProgress
from panini_daemon.storage.jobs import Chunk, Job

MIB = 1 << 20


def chunk(number: int, offset: int, size: int, base: str = "f", sha256: str | None = "0" * 64) -> Chunk:
    return Chunk(base=base, chunk_id=number, offset=offset, data_path="x", size=size, original_hash=sha256)


def cut(*sizes: int, base: str = "f", first: int = 0) -> list[Chunk]:
    chunks, offset = [], 0
    for number, size in enumerate(sizes, first):
        chunks.append(chunk(number, offset, size, base))
        offset += size
    return chunks


def ids(chunks: list[Chunk]) -> list[list[int]]:
    return [[one.chunk_id for one in several] for several in group(chunks, runs=True)]


def test_neighbours_are_one_run_in_whatever_order_they_are_listed() -> None:
    chunks = cut(8, 25, 8192, 8192, 0, 12)
    assert ids(chunks) == ids(chunks[::-1]) == [[0, 1, 2, 3, 4, 5]]


def test_a_gap_an_overlap_and_another_file_end_a_run() -> None:
    chunks = [*cut(5, 5), chunk(2, 11, 5), chunk(3, 15, 5), chunk(4, 20, 5)]
    assert [run for run in ids(chunks) if len(run) > 1] == [[0, 1], [3, 4]]
    assert ids([*cut(5, 5), *cut(5, 5, base="g", first=7)]) == [[0, 1], [7, 8]]


def test_a_long_file_is_divided_within_the_limit() -> None:
    assert ids(cut(*[MIB] * 70)) == [[*range(32)], [*range(32, 64)], [*range(64, 70)]]


def test_a_chunk_above_the_limit_goes_alone_and_those_around_it_together() -> None:
    assert ids(cut(5, 5, RUN_BYTES + 1, 5, 5)) == [[0, 1], [3, 4], [2]]


def test_what_is_left_of_a_division_goes_alone() -> None:
    assert ids(cut(RUN_BYTES - 1, 1, 5)) == [[0, 1], [2]]


def test_no_run_has_more_chunks_than_the_limit() -> None:
    assert [len(run) for run in group(cut(*[1] * (RUN_CHUNKS + 2)), runs=True)] == [RUN_CHUNKS, 2]


def test_chunks_of_no_bytes_are_no_run() -> None:
    (together,) = group(cut(0, 0, 0), runs=True)
    assert not is_run(together)


def test_without_runs_small_neighbours_go_together_as_before() -> None:
    assert [len(several) for several in group(cut(*[10] * (TOGETHER + 1)))] == [TOGETHER, 1]


def test_a_chunk_that_is_listed_twice_is_no_run_of_itself() -> None:
    empty = chunk(0, 0, 0)
    assert not is_run([empty, empty])


@pytest.mark.parametrize(
    ("request_", "wanted"), [("auto", True), ("text", True), ("generic_gzip_v1", False), ("passthrough_v1", False)]
)
def test_only_a_method_asked_for_by_name_keeps_chunks_apart(request_: str, wanted: bool) -> None:
    assert wants_runs(request_, ["generic_gzip_v1", "passthrough_v1"]) is wanted


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 7, MIB, 9 * MIB, RUN_BYTES, RUN_BYTES + 1]))),
    st.randoms(),
)
def test_every_chunk_is_in_one_group_and_every_run_holds_together(
    told: list[tuple[int, int]],
    random: Random,
) -> None:
    chunks, offset = [], 0
    for number, (gap, size) in enumerate(told):
        chunks.append(chunk(number, offset + gap, size))
        offset += gap + size
    random.shuffle(chunks)
    groups = list(group(chunks, runs=True))
    assert sorted(one.chunk_id for several in groups for one in several) == list(range(len(told)))
    for several in groups:
        if is_run(several):
            assert sum(one.size for one in several) <= RUN_BYTES
            assert all(a.offset + a.size == b.offset for a, b in pairwise(several))
    found = [[one.chunk_id for one in several] for several in groups if is_run(several)]
    renamed = [replace(one, data_path="elsewhere") for one in sorted(chunks, key=lambda one: one.chunk_id)]
    again = [[one.chunk_id for one in several] for several in group(renamed, runs=True) if is_run(several)]
    assert found == again


def test_a_run_is_work_for_one_thread() -> None:
    chunks = [*cut(8, 25, 900), *cut(5, RUN_BYTES + 1, base="g", first=7)]
    assert (count_work(chunks, runs=True), count_work(chunks, runs=False), count_work([], runs=True)) == (3, 5, 1)
    progress = JobProgress(Job("j", "inbox/j.json", b"", (), tuple(cut(*[MIB] * 64))), runs=True)
    assert progress.work == 2
    for one in progress.job.chunks[:32]:
        progress.add(Outcome(one, State.COMMITTED))
    assert progress.work == 1
