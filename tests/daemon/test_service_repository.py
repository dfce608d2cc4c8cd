"""Jobs of a repository beside those of the inbox."""

import json
from collections.abc import Callable

import pytest
from fakes.bench import Bench
from fakes.repository_source import RepositorySource
from fakes.service_scene import TEXT, failing

from panini_daemon.outcomes import State
from panini_daemon.storage.errors import HashMismatch
from panini_daemon.storage.github.errors import GithubDenied, GithubUnavailable


@pytest.fixture
def repository() -> RepositorySource:
    return RepositorySource()


def test_a_repositorys_job_is_committed_and_receipted(
    repository: RepositorySource, make_bench: Callable[..., Bench]
) -> None:
    bench = make_bench(repository=repository)
    job = repository.add("play.txt", TEXT)
    bench.run()
    assert repository.done == [job.job_id]
    assert bench.names("compressed_chunks/play.txt/chunk_0000") == ["compressed.bin", "recipe.json"]
    assert bench.names("done") == [f"{job.job_id}.json"]


def test_the_inbox_is_worked_on_while_the_repository_cannot_be_asked(
    repository: RepositorySource, make_bench: Callable[..., Bench]
) -> None:
    bench = make_bench(repository=repository, closed_for=lambda job: 600.0 if job.manifest_path[0] == "g" else 0.0)
    for number in range(40):
        repository.add(f"far-{number}.txt", TEXT)
    bench.submit("near.txt", TEXT)
    bench.service.notice()
    for _ in range(20):
        bench.round()
    assert bench.names("done")[0].startswith("near.txt")
    assert repository.fetched == []
    assert len(bench.service.queue) == 40


def test_a_job_whose_source_goes_away_is_taken_up_again_when_it_is_back(
    repository: RepositorySource, make_bench: Callable[..., Bench]
) -> None:
    waits = iter([0.0, 90.0])
    bench = make_bench(repository=repository, closed_for=lambda _: next(waits, 0.0))
    repository.error = GithubUnavailable("the rate limit is used up", 90.0)
    repository.add("play.txt", TEXT)
    before = bench.clock.monotonic()
    bench.service.notice()
    for _ in range(10):
        bench.round()
        if bench.clock.monotonic() - before >= 5:
            repository.error = None
    bench.run()
    assert repository.done == ["play.txt-0123"]
    assert bench.clock.monotonic() - before >= 90
    assert [event for event in bench.events() if event["event"] == "chunk_failed"] == []
    assert bench.names("failed") == []


@pytest.mark.parametrize("error", [GithubUnavailable("no answer", 2.0), GithubDenied("403")])
def test_an_absent_source_uses_up_no_attempt(
    error: Exception, repository: RepositorySource, make_bench: Callable[..., Bench]
) -> None:
    bench = make_bench(repository=repository)
    repository.error = error
    repository.add("play.txt", TEXT)
    bench.service.notice()
    for _ in range(60):
        bench.round()
    repository.error = None
    bench.run()
    assert repository.done == ["play.txt-0123"]


def test_a_wrong_chunk_of_a_repository_fails_with_advice_that_fits(
    repository: RepositorySource, make_bench: Callable[..., Bench]
) -> None:
    bench = make_bench(repository=repository)
    repository.error = HashMismatch("wrong bytes")
    job = repository.add("play.txt", TEXT)
    bench.run()
    assert repository.aside == [job.job_id]
    assert "correct the file in the repository" in bench.failure()["what_to_do"]


def test_what_became_of_a_job_is_reported_before_it_counts_as_done(
    repository: RepositorySource, make_bench: Callable[..., Bench]
) -> None:
    told: list[tuple[str, list[State], bool]] = []
    bench = make_bench(
        repository=repository,
        report=lambda job, outcomes: told.append(
            (
                job.job_id,
                [outcome.state for outcome in outcomes],
                bool(bench.names("done")) or job.job_id in repository.done,
            )
        ),
    )
    repository.add("play.txt", TEXT)
    bench.run()
    assert told == [("play.txt-0123", [State.COMMITTED], False)]


def test_a_failed_job_is_reported_too(repository: RepositorySource, make_bench: Callable[..., Bench]) -> None:
    told: list[list[State]] = []
    bench = make_bench(
        repository=repository, report=lambda _, outcomes: told.append([outcome.state for outcome in outcomes])
    )
    bench.compute.before = failing(*[ValueError("broken")] * 3)
    repository.add("play.txt", TEXT)
    bench.run()
    assert told == [[State.FAILED]]


def test_a_lease_is_kept_until_the_job_is_gone(repository: RepositorySource, make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(repository=repository, removal_delay=30.0)
    job = repository.add("play.txt", TEXT)
    bench.service.notice()
    for _ in range(5):
        bench.round()
    assert bench.leases.held(job.job_id)
    assert bench.names("done") == []
    bench.clock.advance(30)
    bench.run()
    assert not bench.leases.held(job.job_id)
    assert json.loads(bench.store.read(f"done/{job.job_id}.json"))["chunks"] == 1
