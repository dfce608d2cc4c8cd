"""That nothing which parses is left out: found in the sources, and seen at work on the targets' valid cases."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from fuzz.judging import judge
from fuzz.target import Target
from fuzz.targets import all_targets
from panini_daemon.compressors import Registry

_PACKAGES = ("daemon", "compressors", "storage", "config")
_ROOT = Path(__file__).parents[2]
_DECODERS = frozenset(
    (
        *("loads", "load", "model_validate", "parse_object", "unpack", "unpack_from", "b64decode", "fromisoformat"),
        *("frombuffer", "fromhex", "from_bytes", "decompress", "decompressobj", "LZMADecompressor", "BZ2Decompressor"),
        *("ZstdDecompressor", "Decompressor", "Ppmd7Decoder", "jpegxl_decode", "jpegxl_decode_jpeg", "read_text"),
        *("urlsplit", "unquote", "parsedate_to_datetime", "strptime", "literal_eval"),
    )
)
"""What turns bytes or text into something else, by the name of the call."""

ELSEWHERE = {
    "compressors/device.py:_processor": "/proc/cpuinfo of this machine",
    "daemon/commands/common.py:parse_size": "a flag of whoever runs the command; settings.values has the reader",
    "daemon/commands/config.py:show_settings": "loads settings: settings.file",
    "daemon/commands/logs.py:_parse_since": "a flag of whoever runs the command; settings.values has the reader",
    "daemon/deduplication.py:_is_settled": "times of a job and a recipe; what is no time is answered False",
    "daemon/notebook.py:run_worker": "loads settings: settings.file",
    "daemon/commands/run.py:run_daemon": "loads settings: settings.file",
    "daemon/commands/run_several.py:_merge": "what the command's own processes printed, into pipes of its own",
    "daemon/samples.py:_photo": "a picture that the demonstration drew itself",
    "daemon/compute_pipe.py:ComputeProcess._receive": "the pipe from the daemon's own process",
    "daemon/compute_process.py:_read_requests": "the pipe from the daemon itself",
    "compressors/trials.py:Run._check": "what was compressed a moment before, by the same plugin",
    "compressors/protocol.py:Compressor.decompress_batch": "asks `decompress`, payload by payload",
    "compressors/language/wrapping.py:_Encoder.finish": "numbers that were made in the lines above",
    "compressors/filters.py:apply_filter": "a stream that was made in the line above",
}
"""Functions that decode what nobody else can write, and why."""


@cache
def targets() -> dict[str, Target]:
    return all_targets()


def find_parsers() -> Iterator[str]:
    """Yield each function that decodes something, or whose name says that it parses, as `file:function`."""
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            yield from _parsers_in(ast.parse(path.read_text(encoding="utf-8")), f"{path.relative_to(_ROOT)}:")


def _parsers_in(node: ast.AST, name: str) -> Iterator[str]:
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.FunctionDef):
            if inner.name.startswith(("parse_", "_parse_")) or _calls(inner) & _DECODERS:
                yield name + inner.name
        elif isinstance(inner, ast.ClassDef):
            yield from _parsers_in(inner, f"{name}{inner.name}.")


def _calls(function: ast.FunctionDef) -> set[str]:
    found = {node.func for node in ast.walk(function) if isinstance(node, ast.Call)}
    names = {call.attr for call in found if isinstance(call, ast.Attribute)}
    opened = {"read_text" for call in found if isinstance(call, ast.Attribute) and ast.unparse(call) == "Image.open"}
    return names | opened | {call.id for call in found if isinstance(call, ast.Name)}


def see_functions(target: Target) -> set[str]:
    """Return the functions of the packages that a target's valid cases run through."""
    seen: set[str] = set()
    places = {str((_ROOT / package).resolve()): package for package in _PACKAGES}

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            code = frame.f_code
            folder = next((place for place in places if code.co_filename.startswith(f"{place}/")), None)
            if folder is not None:
                seen.add(f"{places[folder]}{code.co_filename.removeprefix(folder)}:{code.co_qualname}")

    for profile in (None, note):  # the first time kernels are compiled, which is slow to watch
        run = target.make()
        for seed in target.seeds():
            sys.setprofile(profile)
            try:
                run(seed)
            except target.raises:
                continue
            finally:
                sys.setprofile(None)
    return seen


@pytest.mark.slow
def test_everything_that_parses_is_fuzzed_or_is_told_why_not() -> None:
    seen = set[str]().union(*(see_functions(target) for target in targets().values()))
    parsers = set(find_parsers())
    assert len(parsers) > 60
    assert sorted(parsers - seen - ELSEWHERE.keys()) == []
    assert sorted(ELSEWHERE.keys() - parsers) == []


def test_every_method_that_is_installed_has_its_payloads_fuzzed() -> None:
    assert {f"codec.{method}" for method in Registry().names()} <= targets().keys()


@pytest.mark.parametrize("name", all_targets())
def test_a_target_takes_what_is_valid(name: str) -> None:
    target = targets()[name]
    run = target.make()
    verdicts = [judge(target, run, seed) for seed in target.seeds()]
    assert [verdict.problem for verdict in verdicts if verdict.problem] == []
    assert any(verdict.accepted for verdict in verdicts)


@pytest.mark.parametrize("name", all_targets())
def test_cases_are_the_same_each_time_and_not_all_alike(name: str) -> None:
    target = targets()[name]
    seeds = target.seeds()
    cases = [target.case(seeds, 7, number) for number in range(12)]
    assert cases == [target.case(seeds, 7, number) for number in range(12)]
    assert len(set(cases)) > 6
