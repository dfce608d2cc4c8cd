"""That the fuzzer itself finds what it is there to find, crashes and endless loops among it."""

import json
import mmap
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from fuzz import runner
from fuzz.judging import judge
from fuzz.mutation import mutate_json, mutate_text
from fuzz.target import MIB, Target, raw
from fuzz.targets import all_targets


def target(run: Callable[[bytes], object], **options: object) -> Target:
    return Target("t", "g", lambda: [b"{}"], lambda: run, (int,), (KeyError,), **options)  # type: ignore[arg-type]


def problem(run: Callable[[bytes], object], **options: object) -> str:
    return judge(target(run, **options), run, b"{}").problem or ""


def fail(error: type[BaseException]) -> Callable[[bytes], object]:
    def run(_: bytes) -> object:
        raise error("no")

    return run


def test_a_value_of_the_right_type_and_a_typed_error_are_no_findings() -> None:
    assert problem(len) == ""
    assert problem(fail(KeyError)) == ""


@pytest.mark.parametrize(
    "error", [ValueError, RecursionError, MemoryError, OverflowError, AssertionError, UnicodeError]
)
def test_any_other_error_is_a_finding(error: type[Exception]) -> None:
    assert error.__name__ in problem(fail(error))


def test_a_value_of_another_type_is_a_finding() -> None:
    assert problem(bytes) == "returned bytes"


def test_memory_and_time_beyond_what_is_allowed_are_findings() -> None:
    def take(_: bytes) -> int:
        # Not from the heap, which may have as much left over from other tests.
        pages = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
        with mmap.mmap(-1, 64 * MIB, flags=pages) as memory:
            return len(memory)

    assert "MiB are allowed" in problem(take, memory=16 * MIB)
    assert "s are allowed" in problem(len, seconds=0.0)


@pytest.mark.slow
def test_a_process_that_crashes_or_hangs_is_a_finding_and_the_rest_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is a script of the test's: it dies at the second case and hangs at the fourth."""
    script = tmp_path / "fuzz" / "child.py"
    script.parent.mkdir()
    (script.parent / "__init__.py").touch()
    script.write_text(
        "import json, os, sys, time\n"
        "told = json.load(open(sys.argv[1]))\n"
        "progress = os.open(told['progress'], os.O_WRONLY)\n"
        "for place, (name, first, end) in enumerate(told['plan']):\n"
        "    for number in range(first, end):\n"
        "        os.pwrite(progress, b'%10d%12d' % (place, number), 0)\n"
        "        if number == 1: os.abort()\n"
        "        if number == 3: time.sleep(60)\n"
        "    line = {'target': name, 'cases': end - first, 'accepted': 0, 'findings': 0}\n"
        "    line |= {'seconds': 1.0, 'slowest': 1.0, 'memory': 0}\n"
        "    print(json.dumps(line), file=open(told['results'], 'a'))\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(runner, "_TESTS", tmp_path)
    monkeypatch.setattr(runner, "_HANGS", 1.0)
    some = all_targets()["manifest.object"]
    outcome = runner.run_targets([some], lambda _: 6, 1)
    assert [finding.problem.split(":")[0] for finding in outcome.findings] == [
        "the process ended with status -6",
        "the process ended with status -9",
    ]
    assert [finding.case for finding in outcome.findings] == [some.case(some.seeds(), 1, number) for number in (1, 3)]
    assert outcome.tallies["manifest.object"].cases == 2  # from the fifth case on


def test_mutations_make_what_a_writer_of_json_never_makes() -> None:
    """Duplicate keys, deep nesting, lone surrogates, other encodings, numbers that are none, and no JSON at all."""
    seeds = [json.dumps({"a": 1, "b": [1, {"c": "x"}], "d": None}).encode()]
    cases = [mutate_json(seeds, random.Random(number)) for number in range(3000)]
    texts = [mutate_text(seeds, random.Random(number)) for number in range(3000)]
    assert any(text.count('"a": ') > 1 for text in texts)
    for sign in ("[" * 900, "\\ud800", "NaN", "1e400", "1" * 5000, "\\u0000", "-9223372036854775808", "../"):
        assert any(sign in text for text in texts), sign
    for start in (b"\xef\xbb\xbf", b"\xff\xfe", b"{\0", b"\0{"):
        assert any(case.startswith(start) for case in cases), start
    assert any(b"\xed\xa0\x80" in case for case in cases)
    assert b"" in cases
    assert len({raw(seeds, random.Random(number)) for number in range(100)}) > 80
