"""Answers of GitHub as they should be, for the cases that are made from them."""

import base64
import json

from fakes.deliveries import CHUNKS, metadata, sha, tree_manifest

from fuzz.wire import answer
from panini_daemon.storage.github.git_trees import Entry, tree_id
from panini_daemon.storage.github.lfs import MEDIA_TYPE
from panini_daemon.storage.github.texts import blob_id

COMMIT, TREE = "c" * 40, "d" * 40
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha(CHUNKS[1])}\nsize {len(CHUNKS[1])}\n"
BOOK = {
    "format": "panini-leases",
    "leases": {
        "job-1": {"attempt": 1, "expires_at": "2024-05-06T07:38:09.000Z", "nonce": "p.1", "worker": "w2"},
        "job-2": {"attempt": 2, "expires_at": "2024-05-06T06:38:09.000Z", "nonce": "p.2", "worker": "w1"},
    },
    "over": {"job-3": {"at": "2024-05-06T05:08:09.000Z", "state": "done", "worker": "w2"}},
    "version": 1,
}
TEXTS = (b"one", b'{"status": "pending"}')


def batch() -> dict[str, object]:
    action = {"href": "https://h/x", "header": {"Authorization": "Basic abc"}, "expires_in": 60}
    one = {"oid": sha(CHUNKS[0]), "size": len(CHUNKS[0]), "actions": {"download": action}}
    bad = {"oid": "0" * 64, "error": {"code": 404, "message": "no"}}
    return {"transfer": "basic", "objects": [bad, one]}


def ref(name: str = "heads/main", kind: str = "commit") -> dict[str, object]:
    return {
        f"GET /git/ref/{name}": answer({"ref": f"refs/{name}", "object": {"type": kind, "sha": COMMIT}}, etag='"e"'),
        "GET /repos/o/r": answer({"default_branch": "main"}),
        f"GET /git/tags/{COMMIT}": answer({"object": {"type": "commit", "sha": TREE}}),
    }


def _row(path: str, mode: str, sha_: str, kind: str = "blob", size: int = 3) -> dict[str, object]:
    return {"path": path, "mode": mode, "type": kind, "sha": sha_, "size": size}


def folder() -> dict[str, object]:
    return {
        f"GET /git/trees/{COMMIT}": answer({"tree": [_row("a", "040000", TREE, "tree")], "truncated": False}),
        f"GET /git/trees/{TREE}": answer({"tree": [_row("b", "040000", "e" * 40, "tree")], "truncated": False}),
    }


def trees_of(files: dict[str, bytes]) -> tuple[str, dict[str, object]]:
    """Return the id of a tree with these files, and GitHub's recursive listing of it."""
    folders: dict[str, dict[str, Entry]] = {"": {}}
    for path, data in files.items():
        parent, _, name = path.rpartition("/")
        parts = parent.split("/") if parent else []
        for depth in range(len(parts)):
            folders.setdefault("/".join(parts[: depth + 1]), {})
        folders[parent][name] = Entry("100644", blob_id(data), len(data))
    for folder in sorted(folders, key=lambda path: -path.count("/") - bool(path)):
        if folder:
            parent, _, name = folder.rpartition("/")
            folders[parent][name] = Entry("040000", tree_id(folders[folder]))
    rows = [
        _row(
            f"{folder}/{name}".lstrip("/"),
            entry.mode,
            entry.sha,
            "tree" if entry.kind == "folder" else "blob",
            entry.size,
        )
        for folder, entries in folders.items()
        for name, entry in entries.items()
    ]
    root = tree_id(folders[""])
    return root, {"sha": root, "tree": rows, "truncated": False}


def files_of_a_tree() -> dict[str, bytes]:
    files = {"a/manifest.json": json.dumps(tree_manifest(CHUNKS[:2])).encode(), "j.json": b'{"format": "panini-job"}'}
    for number in range(2):
        files[f"a/chunk_{number:04d}/metadata.json"] = json.dumps(metadata(number)).encode()
        files[f"a/chunk_{number:04d}/data.bin"] = CHUNKS[number]
    files["a/chunk_0001/data.bin"] = POINTER.encode()
    return files


def listing() -> dict[str, object]:
    root, listing = trees_of(files_of_a_tree())
    return {f"GET /git/trees/{COMMIT}": answer(listing), f"GET /git/trees/{root}": answer(listing)}


def graphql() -> dict[str, object]:
    texts = [
        {"oid": blob_id(data), "byteSize": len(data), "isTruncated": False, "text": data.decode()} for data in TEXTS
    ]
    fields = {f"o{number}": text for number, text in enumerate(texts)}
    errors = [{"type": "RATE_LIMITED", "message": "no"}]
    return {"POST /graphql": answer({"data": {"repository": fields}, "errors": errors[:0]}), "POST /x": answer(errors)}


def book_ref() -> dict[str, object]:
    data = json.dumps(BOOK).encode()
    content = {"path": "leases.json", "sha": TREE, "encoding": "base64", "content": base64.encodebytes(data).decode()}
    return {
        "GET /git/ref/panini/leases": answer({"object": {"type": "commit", "sha": COMMIT}}, etag='"e"'),
        "GET /contents/leases.json": answer(content),
        f"GET /git/blobs/{TREE}": answer(content),
        f"GET /git/trees/{COMMIT}": answer({"tree": [_row("leases.json", "100644", TREE)]}),
        "GET /repos/o/r": answer({}),
        "POST /git/trees": answer({"sha": TREE}, 201),
        "POST /git/commits": answer({"sha": TREE}, 201),
        "PATCH /git/refs/panini/leases": answer({}, 200),
        "POST /git/refs": answer({}, 201),
    }


def branch() -> dict[str, object]:
    data = json.dumps(metadata(0)).encode()
    blob = blob_id(data)
    row = _row("a/chunk_0000/metadata.json", "100644", blob, size=len(data))
    return {
        **ref(),
        "GET /git/ref/heads/main": answer({"object": {"type": "commit", "sha": COMMIT}}),
        f"GET /git/commits/{COMMIT}": answer({"sha": COMMIT, "tree": {"sha": TREE}}),
        f"GET /git/trees/{TREE}": answer({"tree": [row]}),
        f"GET /git/blobs/{blob}": answer({"encoding": "base64", "content": base64.b64encode(data).decode()}),
        "POST /git/trees": answer({"sha": "e" * 40}, 201),
        "POST /git/commits": answer({"sha": "f" * 40}, 201),
        "PATCH /git/refs/heads/main": answer({"object": {"sha": "f" * 40}}),
    }


def repository() -> dict[str, object]:
    files = files_of_a_tree()
    root, listing = trees_of(files)
    blobs = {
        f"GET /git/blobs/{blob_id(data)}": answer(
            data.decode("latin-1"), **{"content-type": "application/octet-stream"}
        )
        for data in files.values()
    }
    return {
        **ref(),
        f"GET /git/commits/{COMMIT}": answer({"sha": COMMIT, "tree": {"sha": root}}),
        f"GET /git/trees/{root}": answer(listing),
        **blobs,
        **lfs(),
    }


def blob() -> dict[str, object]:
    return {
        f"GET /git/blobs/{blob_id(b'data')}": answer("data", **{"content-length": "4", "content-encoding": "identity"})
    }


def lfs() -> dict[str, object]:
    told = {"content-length": str(len(CHUNKS[1])), "content-range": f"bytes 0-{len(CHUNKS[1]) - 1}/{len(CHUNKS[1])}"}
    one = {
        "oid": sha(CHUNKS[1]),
        "size": len(CHUNKS[1]),
        "actions": {"download": {"href": "https://h/x", "header": {}}},
    }
    return {
        "POST /o/r.git/info/lfs/objects/batch": answer({"objects": [one]}, **{"content-type": MEDIA_TYPE}),
        "GET /x": answer(CHUNKS[1].decode(), **told),
    }


def path_of(key: str) -> str:
    """Return the end of the path that a key of a case stands for."""
    return key.rpartition(" ")[2]
