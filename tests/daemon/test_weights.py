from pathlib import Path

import pytest
from fakes.memory_store import MemoryStore
from fakes.tiny_model import put_tiny_model

from panini_daemon.compressors import Context, Device, Kind, Level, Registry, Surroundings
from panini_daemon.compressors.errors import ModelMissing
from panini_daemon.compressors.text_lm import TextLm
from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.local import LocalStore
from panini_daemon.weights import keep_weights, model_folders


def test_the_model_that_a_payload_names_is_put_into_the_tree_once(tmp_path: Path) -> None:
    store, digest = MemoryStore(), put_tiny_model(tmp_path)
    keep_weights(store, [tmp_path], {"model": digest})
    before = store.stat(f"models/{digest}/model.bin")
    assert store.read(f"models/{digest}/model.bin") == (tmp_path / digest / "model.bin").read_bytes()
    keep_weights(store, [tmp_path], {"model": digest})
    assert store.stat(f"models/{digest}/model.bin") == before


def test_a_half_arrived_model_in_the_tree_is_written_again(tmp_path: Path) -> None:
    store, digest = MemoryStore(), put_tiny_model(tmp_path)
    store.write(f"models/{digest}/model.bin", b"PNNM")
    keep_weights(store, [tmp_path], {"model": digest})
    assert store.stat(f"models/{digest}/model.bin").size > 4


def test_payloads_that_name_no_model_need_none(tmp_path: Path) -> None:
    keep_weights(MemoryStore(), [tmp_path], {"order": 7})


def test_a_model_that_is_nowhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="copy its folder"):
        keep_weights(MemoryStore(), [tmp_path], {"model": "0" * 64})


def test_what_does_not_read_back_is_an_error(tmp_path: Path) -> None:
    digest = put_tiny_model(tmp_path)
    path = tmp_path / digest / "model.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(StoreUnavailable, match="read back"):
        keep_weights(MemoryStore(), [tmp_path], {"model": digest})


def test_a_payload_decodes_from_the_tree_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf, tree = tmp_path / "shelf", tmp_path / "tree"
    digest = put_tiny_model(shelf)
    plugin = TextLm(digest)
    plugin.attach(Surroundings([shelf]))
    encoded = plugin.compress(b"the cat and the hat", Context(Level.MAX, Kind.TEXT))
    tree.mkdir()
    keep_weights(LocalStore(tree), [shelf], encoded.parameters)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nothing"))
    reader = Registry([TextLm()], Surroundings(model_folders(tree))).get("text_lm_v1")
    assert reader.decompress(encoded.payload, encoded.parameters, 19, Device()) == b"the cat and the hat"
