"""The plugin shown in docs/plugins.md, taken out of the page as a reader would take it."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from fakes.markdown import fences, quoted, read, table
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import Compressor, Context, Device, Level, PayloadDamaged, Registry, compress, decompress
from panini_daemon.compressors.passthrough import Passthrough

MODULE = next(fence for fence in fences("docs/plugins.md", "python") if fence.name == "delta_plugin.py")
SAMPLES = bytes((at * at // 40) & 255 for at in range(20_000))


def load_plugin() -> Compressor:
    module = ModuleType("delta_plugin")
    exec(compile(MODULE.text, MODULE.name, "exec"), module.__dict__)
    plugin: Compressor = module.Delta()
    return plugin


@settings(max_examples=60)
@given(st.binary(max_size=2000))
def test_the_plugin_gives_any_bytes_back(data: bytes) -> None:
    plugin = load_plugin()
    encoded = plugin.compress(data, Context())
    assert plugin.decompress(encoded.payload, encoded.parameters, len(data), Device()) == data


@settings(max_examples=60)
@given(st.binary(max_size=200), st.integers(0, 5000))
def test_the_plugin_takes_no_junk_for_a_payload(payload: bytes, size: int) -> None:
    with contextlib.suppress(PayloadDamaged):
        assert len(load_plugin().decompress(payload, {}, size, Device())) == size


def test_the_plugin_refuses_a_bomb_and_a_cut_payload() -> None:
    plugin = load_plugin()
    bomb = plugin.compress(bytes(1_000_000), Context()).payload
    for payload, size in ((bomb, 100), (bomb[:-9], 1_000_000)):
        with pytest.raises(PayloadDamaged):
            plugin.decompress(payload, {}, size, Device())


def test_the_plugin_wins_where_it_is_meant_to() -> None:
    registry = Registry([Passthrough(), load_plugin()])
    result = compress(SAMPLES, registry=registry, level=Level.BEST)
    assert result.method == "acme_delta_v1"
    assert len(result.payload) < len(SAMPLES) / 10
    back = decompress(result.payload, registry=registry, method=result.method, parameters={}, size=len(SAMPLES))
    assert back == SAMPLES


def test_the_class_is_about_thirty_lines_as_the_readme_says() -> None:
    body = [line for line in MODULE.text.partition("class ")[2].splitlines() if line.strip()]
    assert "in 30 lines" in read("README.md")
    assert len(body) <= 30


def test_the_members_told_are_those_of_the_class() -> None:
    told = [word.partition("(")[0] for row in _members() for word in quoted(row["member"])]
    members = {name for name in vars(Compressor) if not name.startswith("_")} | set(Compressor.__annotations__)
    assert set(told) | {"compress", "decompress"} == members
    defaults = {word: row["default"] for row in _members() for word in quoted(row["member"])}
    assert defaults["memory(size, level)"] == "16 times the size and 64 MiB"
    assert load_plugin().memory(100, Level.BEST) == 16 * 100 + (64 << 20)
    assert (Compressor.batch_size, Compressor.uses_gpu, Compressor.exact_size) == (1, False, True)


@pytest.mark.slow
def test_the_distribution_installs_and_the_page_s_commands_use_it(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for fence in (MODULE, *fences("docs/plugins.md", "toml")):
        (source / fence.name).write_text(fence.text, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pip += ["--no-build-isolation", "--no-index", "--target", str(target), str(source)]
    subprocess.run(pip, check=True, capture_output=True)
    (tmp_path / "samples.raw").write_bytes(SAMPLES)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PANINI_")}
    environment |= {"PYTHONPATH": str(target), "PANINI_SPOOL": str(tmp_path / "spool"), "PANINI_LEVEL": "fast"}
    commands = next(fence.text for fence in fences("docs/plugins.md", "sh")).strip().splitlines()
    for line in [*commands, "panini-daemon --once"]:
        command = line.replace("panini-daemon", f"'{sys.executable}' -m panini_daemon")
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (line, done.stderr)
    assert (tmp_path / "samples.back").read_bytes() == SAMPLES
    for folder in (tmp_path / "packed/chunk_0000", tmp_path / "PaniniFS/compressed_chunks/samples.raw/chunk_0000"):
        assert '"compression_method":"acme_delta_v1"' in (folder / "recipe.json").read_text()


def _members() -> list[dict[str, str]]:
    return table("docs/plugins.md", "member", "default", "meaning")
