from dataclasses import replace

from panini_daemon.job_queue import JobQueue, Room
from panini_daemon.storage.jobs import Chunk, Job


def job(name: str, priority: int = 0, created_at: str = "") -> Job:
    return Job(name, f"inbox/{name}.json", b"", (), (), priority=priority, created_at=created_at)


def names(jobs: list[Job]) -> list[str]:
    return [one.job_id for one in jobs]


def test_priority_goes_before_age_and_age_before_arrival() -> None:
    queue = JobQueue()
    for one in (
        job("new", created_at="2026-02-01"),
        job("old", created_at="2026-01-01"),
        job("urgent", 5, "2026-03-01"),
    ):
        queue.add(one)
    assert names(queue.next(Room(9), now=0)) == ["urgent", "old", "new"]


def test_a_header_that_arrives_later_goes_before_older_data_of_the_same_priority() -> None:
    queue = JobQueue()
    queue.add(job("data", created_at="2026-01-01"))
    signature = Chunk("a.png", 0, 0, "inbox/x", 8, pattern_type="PNG_SIGNATURE")
    queue.add(Job("header", "inbox/header.json", b"", (), (signature,), created_at="2026-02-01"))
    queue.add(job("urgent", 1, "2026-03-01"))
    assert names(queue.next(Room(9), now=0)) == ["urgent", "header", "data"]


def test_a_job_being_claimed_is_not_offered_again() -> None:
    queue = JobQueue()
    queue.add(job("a"))
    queue.add(job("b"))
    assert names(queue.next(Room(1), now=0)) == ["a"]
    assert names(queue.next(Room(9), now=0)) == ["b"]
    assert names(queue.claiming()) == ["a", "b"]


def test_a_job_put_back_waits_for_its_time() -> None:
    queue = JobQueue()
    queue.add(job("a"))
    queue.next(Room(1), now=0)
    queue.put_back("a", not_before=10)
    assert queue.next(Room(1), now=9) == []
    assert names(queue.next(Room(1), now=10)) == ["a"]


def test_adding_twice_and_removing_the_unknown_do_no_harm() -> None:
    queue = JobQueue()
    queue.add(job("a"))
    queue.add(job("a", priority=9))
    queue.remove("never seen")
    assert len(queue) == 1
    queue.remove("a")
    assert len(queue) == 0
    assert queue.next(Room(1), now=0) == []


def test_ten_thousand_jobs_keep_their_order() -> None:
    queue = JobQueue()
    for number in range(10_000):
        queue.add(job(f"{number:05d}", priority=number % 3))
    for number in range(0, 10_000, 2):
        queue.remove(f"{number:05d}")
    first = queue.next(Room(3), now=0)
    assert [one.priority for one in first] == [2, 2, 2]
    assert names(first) == ["00005", "00011", "00017"]


def test_scattered_workers_seldom_choose_the_same_and_leave_nothing_behind() -> None:
    chosen = []
    for worker in ("w1", "w2"):
        queue = JobQueue(scatter=worker)
        for number in range(80):
            queue.add(job(f"j{number}", created_at=f"2026-01-01T00:{number % 60:02d}:00"))
        chosen.append(set(names(queue.next(Room(10), now=0))))
        assert len(chosen[-1]) == 10
        rest = names(queue.next(Room(99), now=0))
        assert len(chosen[-1] | set(rest)) == 80
    assert len(chosen[0] & chosen[1]) <= 5


def test_scattered_jobs_keep_to_priority_headers_and_roughly_age() -> None:
    queue = JobQueue(scatter="w1")
    signature = Chunk("a.png", 0, 0, "inbox/x", 8, pattern_type="PNG_SIGNATURE")
    for number in range(60):
        queue.add(job(f"j{number:02d}", created_at=f"2026-01-01T00:{number:02d}:00"))
    queue.add(Job("header", "inbox/header.json", b"", (), (signature,), created_at="2026-02-01"))
    queue.add(job("urgent", 1, "2026-03-01"))
    first = names(queue.next(Room(5), now=0))
    assert first[:2] == ["urgent", "header"]
    assert all(name < "j40" for name in first[2:])  # among the next forty


def test_a_job_counts_for_the_work_that_it_is() -> None:
    queue = JobQueue(count=lambda job: 1 if job.job_id == "whole" else 5)
    queue.add(job("whole", created_at="2026-01-01"))
    queue.add(job("other", created_at="2026-02-01"))
    assert names(queue.next(Room(2), now=0)) == ["whole", "other"]
    assert (queue.claimed, queue.work_of("whole"), queue.work_of("unknown")) == (6, 1, 0)


def test_no_more_chunks_are_taken_than_leave_the_others_work_but_enough_for_every_thread() -> None:
    queue = JobQueue(count=lambda job: 1)
    for name in "abcdef":
        queue.add(replace(job(name), chunks=tuple(Chunk("b", at, at, "inbox/x", 1) for at in range(10))))
    assert names(queue.next(Room(64, chunks=15, least=1), now=0)) == ["a", "b"]
    assert queue.claimed_chunks == 20
    assert names(queue.next(Room(64, chunks=-5, least=3), now=0)) == ["c", "d", "e"]
    assert queue.next(Room(64, chunks=0, least=0), now=0) == []
