"""Recipes and manifests of committed files, which others write as well: what is restored from them."""

import json
from collections.abc import Iterator

from fakes.deliveries import CHUNKS, sha, tree_manifest

from fuzz.scene import Scene, in_tree
from fuzz.target import Target
from panini_daemon.compressors import CompressorError, Device, Registry
from panini_daemon.errors import DaemonError
from panini_daemon.reader import Reader
from panini_daemon.restoration import restore_file
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.local import LocalStore
from panini_daemon.verification import verify_tree

_GROUP = "tree"
_RECIPE = {
    "version": "1.1",
    "chunk_id": 0,
    "original_hash": sha(CHUNKS[0]),
    "compression_method": "passthrough_v1",
    "reconstruction": {"method": "passthrough", "parameters": {"reference_path": "chunks/a/chunk_0001"}},
    "assembly_info": {"offset": 0, "size": len(CHUNKS[0])},
    "payload_hash": sha(CHUNKS[0]),
}
_REFERENCE = {
    **_RECIPE,
    "compression_method": "dedup_reference_v1",
    "reconstruction": {"method": "dedup_resolve", "parameters": {"reference_path": "compressed_chunks/a/chunk_0001"}},
}
_RUN = f"a/run_{sha(CHUNKS[0])}.bin"
_SLICE = {
    **_RECIPE,
    "compression_method": "solid_slice_v1",
    "reconstruction": {
        "method": "solid_slice",
        "parameters": {
            "run": _RUN,
            "run_size": len(CHUNKS[0]),
            "method": "passthrough_v1",
            "parameters": {},
            "decoded_size": len(CHUNKS[0]),
            "offset": 0,
        },
    },
    "payload_hash": sha(b""),
}


def restore_targets() -> Iterator[Target]:
    """Yield the targets."""
    yield Target(
        *(
            "restore.recipe",
            _GROUP,
            lambda: _texts(_RECIPE, _REFERENCE),
            in_tree(_restore_recipe),
            (int,),
        ),
        raises=(StorageError, CompressorError, DaemonError),
        share=0.2,
    )
    yield Target(
        *("restore.slice", _GROUP, lambda: _texts(_SLICE), in_tree(_restore_slice), (int,)),
        raises=(StorageError, CompressorError, DaemonError),
        share=0.2,
    )
    yield Target(
        *(
            "restore.manifest",
            _GROUP,
            lambda: _texts(tree_manifest([CHUNKS[0]] * 2)),
            in_tree(_restore_manifest),
            (int,),
        ),
        raises=(StorageError, CompressorError, DaemonError),
        share=0.2,
    )


def _texts(*values: object) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


def _restore_recipe(scene: Scene, store: LocalStore, case: bytes) -> object:
    return _restore(scene, store, case, json.dumps(tree_manifest(CHUNKS[:1])).encode())


def _restore_slice(scene: Scene, store: LocalStore, case: bytes) -> object:
    """Restore chunks whose bytes are, or are not, in a run."""
    store.write(f"compressed_chunks/{_RUN}", CHUNKS[0])
    return _restore(scene, store, case, json.dumps(tree_manifest(CHUNKS[:1])).encode(), payload=b"")


def _restore_manifest(scene: Scene, store: LocalStore, case: bytes) -> object:
    return _restore(scene, store, json.dumps(_RECIPE).encode(), case)


def _restore(scene: Scene, store: LocalStore, recipe: bytes, manifest: bytes, payload: bytes = CHUNKS[0]) -> object:
    folder = "compressed_chunks/a"
    for number in range(2):
        store.write(f"{folder}/chunk_{number:04d}/compressed.bin", payload)
        store.write(f"{folder}/chunk_{number:04d}/recipe.json", recipe)
    store.write(f"{folder}/manifest.json", manifest)
    registry = Registry()
    found = verify_tree(Reader(store, registry, Device()), "compressed_chunks", deep=True)
    json.dumps([str(problem) for problem in found.problems], ensure_ascii=False).encode()
    target = scene.root / "restored"
    try:
        reader = Reader(store, registry, Device())  # one that has not decoded anything yet
        return restore_file(reader, folder, target, accept_reencoded=True).size
    finally:
        target.unlink(missing_ok=True)
