"""What must hold of a tree: at any moment, and when all work is over."""

import hashlib
import json
from functools import cache

from fakes.crash_disk import CrashDisk
from fakes.crash_scenes import Scene

from panini_daemon import restoration
from panini_daemon.compressors import Registry
from panini_daemon.compressors.device import Device
from panini_daemon.reader import Reader
from panini_daemon.storage.commits import find_commit
from panini_daemon.storage.errors import NotCommitted
from panini_daemon.storage.root import CHUNKS, DONE, FAILED, INBOX, LEASES


@cache
def registry() -> Registry:
    """Return the installed codecs, looked up once."""
    return Registry()


def check_always(scene: Scene, disk: CrashDisk, manifests: frozenset[bytes], *, torn: bool) -> None:
    """Require that no chunk is lost and none committed wrong, whatever was interrupted.

    `manifests` are those that were sent: as long as a chunk is not committed, its job must be there to be found.
    Without any, what has not arrived cannot be lost. `torn`: a part of the delivery came first, another job maybe.
    """
    files = disk.files
    kept = {path: data for path, data in files.items() if path.startswith((f"{INBOX}/", f"{FAILED}/"))}
    told = any(data in manifests for data in kept.values())
    committed = find_all_commits(disk)
    for name, data in {**scene.good, **scene.bad}.items():
        there = any(data in found for found in kept.values())
        if name in committed:
            assert committed[name] == hashlib.sha256(data).hexdigest(), f"{name} is committed wrong"
            assert name in scene.good, f"{name} is committed, though its bytes are not what was declared"
        elif manifests:
            assert there, f"{name} is lost: not committed, and its bytes are nowhere"
            assert told, f"{name} is lost: not committed, and no manifest names it"
    for path in files:
        receipt = _json(files[path]) if path.startswith(f"{DONE}/") else None
        if receipt is not None and not torn:
            assert not scene.fails, f"{path} says that a bad job is done"
            named = [name for name in scene.good if name.partition("/")[0] in receipt["bases"]]
            assert all(name in committed for name in named), f"{path} is there before {named} are committed"
    assert set(committed) <= set(scene.good), f"committed and never sent: {set(committed) - set(scene.good)}"


def check_over(scene: Scene, disk: CrashDisk, *, torn: bool) -> None:
    """Require that everything sent is committed or failed for its own reason, and that nothing is left lying about.

    `torn`: a part of the delivery may have been done, or given up for, before the whole one came.
    """
    committed, names = find_all_commits(disk), {path: disk.files[path] for path in disk.files.keys() - disk.temporaries}
    assert set(committed) == set(scene.good), f"{set(scene.good) - set(committed)} never committed"
    left = [path for path in names if path.startswith((f"{INBOX}/", f"{LEASES}/"))]
    assert not left, f"left behind: {left}"
    done = {path: _json(data) for path, data in names.items() if path.startswith(f"{DONE}/")}
    failed = {path: _json(data) for path, data in names.items() if path.endswith("/error.json")}
    if scene.fails:
        reasons = {error["error"] for error in failed.values()}
        assert scene.reason in reasons, f"never failed: {reasons}"
        assert torn or reasons == {scene.reason}, f"failed for {reasons}, not for its own reason {scene.reason}"
        assert torn or not done, f"{list(done)} though the job failed"
        for name, data in scene.bad.items():
            kept = [path for path, found in names.items() if path.startswith(f"{FAILED}/") and data in found]
            assert kept, f"the bytes of {name} are not in failed/"
        for path in [path for path, error in failed.items() if error["error"] == scene.reason]:
            assert f"{path.removesuffix('error.json')}manifest.json" in names, f"{path} without its manifest"
    else:
        assert torn or not failed, f"failed for nothing: {failed}"
        assert done, "no receipt"
        assert all(receipt is not None for receipt in done.values()), "a receipt that cannot be read"
        assert {base for receipt in done.values() for base in receipt["bases"]} >= {
            name.partition("/")[0] for name in scene.good
        }, "a base without a receipt"
    _check_files(scene, disk)


def find_all_commits(disk: CrashDisk) -> dict[str, str]:
    """Return the SHA-256 that each committed chunk decodes to, by its folder below compressed_chunks/.

    Raises what decoding raises: a commit that does not decode is worse than none.
    """
    found = {}
    for path in disk.files:
        folder, _, name = path.rpartition("/")
        if path.startswith(f"{CHUNKS}/") and name == "recipe.json":
            try:
                commit = find_commit(disk, folder)
            except NotCommitted:
                continue
            files = {path: disk.files[path] for path in commit.paths}
            found[folder.removeprefix(f"{CHUNKS}/")] = _decode(folder, tuple(sorted(files.items())))
    return found


@cache
def _decode(folder: str, files: tuple[tuple[str, bytes], ...]) -> str:
    disk = CrashDisk()
    for path, data in files:
        disk.write(path, data)
    commit, chunk = Reader(disk, registry(), Device()).read(folder)
    found = hashlib.sha256(chunk.data).hexdigest()
    assert found == commit.recipe.original_hash
    return found


def _check_files(scene: Scene, disk: CrashDisk) -> None:
    """Require that every file whose chunks are all there can be rebuilt from the tree alone."""
    reader = Reader(disk, registry(), Device())
    for base in sorted({name.partition("/")[0] for name in scene.good}):
        manifest = disk.files.get(f"{CHUNKS}/{base}/manifest.json")
        assert manifest is None or _json(manifest) is not None, f"the manifest of {base} cannot be read"
        if manifest is not None and not scene.bad:
            whole = b"".join(data for name, data in sorted(scene.good.items()) if name.startswith(f"{base}/"))
            plan = restoration._plan(reader, f"{CHUNKS}/{base}")
            assert b"".join(reader.read(place)[1].data for place in plan.folders.values()) == whole
            assert plan.sha256 in (None, hashlib.sha256(whole).hexdigest())


def _json(data: bytes) -> dict[str, object] | None:
    try:
        return json.loads(data)
    except ValueError:
        return None
