"""A person hears of work that takes long before it begins."""

from collections.abc import Callable

import pytest
from fakes.bench import Bench

from panini_daemon.slowness import SlownessWarning, foresee_minutes
from panini_daemon.storage.jobs import Chunk, Job


def job(method: str | None = None, size: int = 30_000) -> Job:
    chunks = (Chunk("a", 0, 0, "a", size), Chunk("a", 1, size, "a", size))
    return Job("job-1", "inbox/a.json", b"", (), chunks, method=method)


def warnings(bench: Bench) -> list[dict[str, object]]:
    return [event for event in bench.events() if event["event"] == "method_slow"]


@pytest.mark.parametrize(
    ("method", "gpu", "minutes"),
    [
        ("text_lm_v1", False, 20.0),
        ("language", False, 20.0),
        ("text_lm_v1", True, None),
        ("auto", False, None),
        ("text_ppmd_v1", False, None),
    ],
)
def test_the_language_model_alone_is_slow_and_only_without_a_gpu(method: str, gpu: bool, minutes: float | None) -> None:
    assert foresee_minutes(method, 60_000, gpu=gpu) == minutes


def test_a_worker_warns_once_of_its_own_setting_and_of_what_a_job_asks_for(bench: Bench) -> None:
    look = SlownessWarning("auto", gpu=False, log=bench.log).look
    look(job())
    assert warnings(bench) == []
    look(job("text_lm_v1"))
    look(job("text_lm_v1"))
    (line,) = warnings(bench)
    assert (line["level"], line["method"], line["bytes"], line["minutes"]) == ("warning", "text_lm_v1", 60_000, 20.0)
    SlownessWarning("language", gpu=False, log=bench.log).look(job())
    assert [line["method"] for line in warnings(bench)] == ["text_lm_v1", "language"]


def test_the_warning_comes_before_the_work(make_bench: Callable[..., Bench]) -> None:
    order: list[str] = []
    bench = make_bench(foresee=lambda job: order.append(job.job_id))
    bench.compute.before = lambda _: order.append("compress")
    bench.submit("a.txt", b"words " * 50)
    bench.run()
    assert len(order) == 2
    assert order[1] == "compress"
