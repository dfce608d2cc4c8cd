"""No byte that is read ever becomes code: neither the package nor what it is built with does what could."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("daemon", "compressors", "storage", "config", "benchmarks")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MODULES = frozenset(
    ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "runpy", "code")
)
CALLS = frozenset(("eval", "exec", "compile", "__import__", "execfile"))
LOADERS = frozenset(("np.load", "numpy.load", "torch.load", "pd.read_pickle"))
SAFELY = {"np.load": "allow_pickle", "numpy.load": "allow_pickle", "torch.load": "weights_only"}


def find_dangers(source: str) -> Iterator[str]:
    """Yield what in a source could run code that it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            yield node.module or ""
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS or (called in LOADERS and not _is_safe(called, node)):
                yield called
            yield from (f"{called}(shell=True)" for word in node.keywords if word.arg == "shell")


def _is_safe(called: str, node: ast.Call) -> bool:
    wanted = called == "torch.load"  # weights_only=True, allow_pickle=False
    return any(word.arg == SAFELY.get(called) and ast.unparse(word.value) == str(wanted) for word in node.keywords)


def test_no_source_runs_what_it_reads() -> None:
    assert len(SOURCES) > 100
    found = {str(path.relative_to(ROOT)): list(find_dangers(path.read_text(encoding="utf-8"))) for path in SOURCES}
    assert {path: dangers for path, dangers in found.items() if dangers} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from marshal import loads",
        "import yaml.loader",
        "eval(text)",
        "exec(text)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(source: str) -> None:
    assert list(find_dangers(source))


def test_what_reads_data_alone_is_allowed() -> None:
    assert not list(find_dangers("np.load(path, allow_pickle=False)\ntorch.load(p, weights_only=True)\njson.loads(x)"))
