"""The registry: found by entry point, loaded when needed, no plugin can hurt another."""

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest
from fakes.codecs import FakeCodec

from panini_daemon.compressors import Context, Kind, Level, PluginNotLoadable, Registry, UnknownMethod
from panini_daemon.compressors import registry as registry_module

ZSTD = "panini_daemon.compressors.generic_zstd:GenericZstd"


def installed(monkeypatch: pytest.MonkeyPatch, **values: str) -> Registry:
    entries = EntryPoints(EntryPoint(name.rstrip("_"), value, registry_module.GROUP) for name, value in values.items())
    monkeypatch.setattr(registry_module, "entry_points", lambda group: entries.select(group=group))
    return Registry()


def test_every_shipped_method_loads_under_its_own_name() -> None:
    registry = Registry()
    assert [registry.get(name).method for name in registry.names()] == registry.names()
    assert registry.problems() == []


def test_a_compressor_is_loaded_once() -> None:
    registry = Registry()
    assert registry.get("generic_zstd_v1") is registry.get("generic_zstd_v1")


def test_an_unknown_name_is_told_what_there_is() -> None:
    with pytest.raises(UnknownMethod, match=r"family 'zip'.*generic.*passthrough_v1"):
        Registry().resolve("zip")


def test_a_family_is_resolved_to_its_members() -> None:
    assert {one.family for one in Registry().resolve("generic")} == {"generic"}
    assert [one.method for one in Registry().resolve("generic_xz_v1")] == ["generic_xz_v1"]


def test_a_broken_plugin_is_a_problem_and_the_others_work(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = installed(monkeypatch, generic_zstd_v1=ZSTD, broken_v1="no_such_module_anywhere:Codec")
    context = Context(Level.BALANCED, Kind.BINARY)
    assert [plugin.method for plugin, _ in registry.candidates(context)] == ["generic_zstd_v1"]
    assert "no_such_module_anywhere" in registry.problems()[0]
    with pytest.raises(PluginNotLoadable, match="reinstall"):
        registry.get("broken_v1")


def test_a_plugin_under_another_name_than_its_method_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = installed(monkeypatch, zstd_again_v1=ZSTD)
    with pytest.raises(PluginNotLoadable, match="generic_zstd_v1"):
        registry.get("zstd_again_v1")


def test_a_foreign_plugin_cannot_take_a_shipped_name(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = installed(monkeypatch, generic_zstd_v1_="aaa_foreign:Codec", generic_zstd_v1=ZSTD)
    assert registry.get("generic_zstd_v1").reconstruction == "zstd_decompress"
    assert "aaa_foreign" in registry.problems()[0]


def test_an_offer_that_raises_keeps_only_its_plugin_out() -> None:
    class Moody(FakeCodec):
        def offer(self, context: Context) -> None:
            raise RuntimeError("not today")

    registry = Registry([Moody("moody_v1"), FakeCodec("calm_v1")])
    assert [plugin.method for plugin, _ in registry.candidates(Context())] == ["calm_v1"]
    assert "not today" in registry.problems()[0]


@pytest.mark.slow
def test_importing_and_decoding_zstd_loads_no_heavy_library() -> None:
    code = (
        "import sys; from panini_daemon.compressors import *; r = Registry();"
        "x = compress(b'abc' * 99, registry=r, request='generic_zstd_v1');"
        "print(decompress(x.payload, registry=r, method=x.method, parameters=x.parameters, size=297) == b'abc' * 99,"
        "[m for m in ('numpy', 'torch', 'PIL', 'imagecodecs', 'pyppmd', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True []"
