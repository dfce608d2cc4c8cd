"""The pool that works without threads does what the threads do, in a fixed order."""

from pathlib import Path

from fakes.bench import Bench
from fakes.service_scene import TEXT


def test_a_worker_without_threads_finishes_the_most_urgent_job_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path, inline=True)
    bench.submit("late.txt", TEXT + b"late")
    bench.submit("urgent.txt", TEXT + b"urgent", priority=5)
    bench.run()
    done = [event["chunk"] for event in bench.events() if "ratio" in event]
    bench.close()
    assert [name.partition("/")[0] for name in done] == ["urgent.txt", "late.txt"]
    assert not [name for name in bench.names("inbox") if name.endswith(".json")]
