"""What arrives in an inbox and what describes a chunk: manifests, metadata, payloads of dispatches, recipes."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime

from fakes.deliveries import CHUNKS, dispatch, job, job_file, metadata, sha, tree_manifest
from fakes.parsed_forms import CHUNK, finish

from fuzz.target import MIB, Target, raw
from panini_daemon.compressors import CompressorError, Device, Registry
from panini_daemon.errors import DaemonError
from panini_daemon.reconstruction import Reconstructed, reconstruct
from panini_daemon.storage.chunk_state import COMPLETED, FAILED, Change, apply_change
from panini_daemon.storage.chunk_tree import apply_metadata, read_tree
from panini_daemon.storage.errors import ManifestInvalid, NameCollision, RecipeInvalid, UnsafeName
from panini_daemon.storage.forms import parse_manifest
from panini_daemon.storage.github.events import parse_event
from panini_daemon.storage.github.progress import is_open, read_status
from panini_daemon.storage.jobs import Job
from panini_daemon.storage.json_input import MAX_METADATA_BYTES, parse_object
from panini_daemon.storage.names import check_collision, safe_base, safe_name, safe_path
from panini_daemon.storage.ordering import job_key
from panini_daemon.storage.plans import Wanted
from panini_daemon.storage.recipe import Recipe, format_recipe, parse_recipe
from panini_daemon.storage.reports import ChunkReport, JobReport, ReportInvalid, clip, format_report, parse_report

_GROUP = "manifests"
_STATS = {"original_size": 5, "compressed_size": 4, "ratio": 0.8, "savings_percent": 20.0, "method": "x_v1"}
REPORTS = [
    {
        "chunk_path": "a/chunk_0000",
        "status": "completed",
        "upload_path": "compressed_chunks/a/chunk_0000/compressed.bin",
        "upload_hash": "0" * 64,
        "stats": _STATS,
    },
    {"chunk_path": "a/chunk_0001", "status": "failed", "upload_path": "", "upload_hash": "", "stats": {"error": "no"}},
]
JOB_REPORT = {
    "format": "panini-report",
    "version": 1,
    "job_id": "a-1",
    "repository": "o/r",
    "commit": "c" * 40,
    "worker": "w",
    "created_at": "2024-05-06T07:08:09.000Z",
    "dispatched": 1,
    "status_set": False,
    "metadata_set": True,
    "chunks": REPORTS,
}


def manifest_targets() -> Iterator[Target]:
    """Yield the targets."""
    refusals = (ManifestInvalid, UnsafeName)
    forms = [job(job_file(), priority="high", source={"a": 1}), dispatch(0), _batch(), tree_manifest(), _other_tree()]
    yield Target("manifest.any", _GROUP, lambda: _texts(*forms), lambda: _to_job, (Job,), refusals)
    yield Target("manifest.tree", _GROUP, lambda: _texts(*forms[3:]), lambda: _to_tree, (tuple,), refusals)
    yield Target("manifest.metadata", _GROUP, _metadata, lambda: _to_wanted, (Wanted,), refusals)
    yield Target("manifest.status", _GROUP, _metadata, lambda: lambda case: is_open(read_status(case)), (bool,), ())
    yield Target("manifest.state", _GROUP, _styled, lambda: _change_state, (bytes,), (ManifestInvalid,))
    yield Target("manifest.object", _GROUP, _metadata, lambda: _to_object, (dict,), (ManifestInvalid,))
    yield Target("recipe.parse", _GROUP, _recipes, lambda: _to_recipe, (Recipe,), (RecipeInvalid,))
    yield Target(
        *("recipe.decode", _GROUP, _recipes, lambda: _reconstruct),
        returns=(Reconstructed,),
        raises=(RecipeInvalid, CompressorError, DaemonError),
        memory=160 * MIB,
    )
    yield Target("report.job", _GROUP, lambda: _texts(JOB_REPORT), lambda: _to_report, (JobReport,), (ReportInvalid,))
    yield Target("report.event", _GROUP, _events, lambda: _to_reports, (list,), (ReportInvalid,))
    yield Target(
        "names",
        _GROUP,
        lambda: [b"ab", "é.c".encode(), b"x/chunk_0001"],
        lambda: _name,
        (str,),
        (*refusals, NameCollision),
        raw,
    )


def _texts(*values: object) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


def _batch() -> dict[str, object]:
    return {"action": "compress_batch", "chunks": [dispatch(number)["chunk_info"] for number in range(3)]}


def _other_tree() -> dict[str, object]:
    chunks = [
        {"id": number, "offset": 0, "size": len(chunk), "original_hash": sha(chunk), "dependencies": ["chunk_0000"]}
        for number, chunk in enumerate(CHUNKS[:1])
    ]
    return {
        "source_file": "x",
        "format": "png",
        "media_type": "image/png",
        "total_size": len(CHUNKS[0]),
        "chunks": chunks,
    }


def _metadata() -> list[bytes]:
    return _texts(metadata(1), metadata(1, hash="0" * 64, id="1"))


def _styled() -> list[bytes]:
    one = metadata(1)
    return [
        json.dumps(one).encode(),
        json.dumps(one, indent=2).encode(),
        json.dumps(one, separators=(",", ":")).encode(),
    ]


def _recipes() -> list[bytes]:
    data = b"some bytes"
    one = {
        "version": "1.1",
        "chunk_id": 0,
        "original_hash": sha(data),
        "compression_method": "passthrough_v1",
        "reconstruction": {"method": "passthrough", "parameters": {}},
        "assembly_info": {"offset": 0, "size": len(data), "total_chunks": 1, "ordering": 0, "depends_on": [1]},
        "stats": _STATS,
        "uploaded_at": "2024-05-06T07:08:09Z",
        "worker": "w",
        "payload_hash": sha(data),
        "timings": {"compress": 0.1},
        "source": {"repository": "o/r"},
        "device": "cpu",
        "software": "x",
    }
    old = {
        "chunk_id": 0,
        "original_hash": sha(data),
        "compression_method": "generic_gzip_v1",
        "reconstruction": {"method": "gzip_decompress", "offset": 7, "shape": [2, 5], "parameters": {}},
        "stats": {"original_size": len(data)},
    }
    image = {**old, "compression_method": "semantic_image_v1"}
    reference = {"method": "reference", "parameters": {"reference_path": "chunks/a/chunk_0000"}}
    return _texts(one, old, image, {**one, "compression_method": "dedup_reference_v1", "reconstruction": reference})


def _events() -> list[bytes]:
    payload = {**REPORTS[0], "more": REPORTS[1:]}
    return _texts({"action": "chunk_compressed", "client_payload": payload, "repository": {"full_name": "o/r"}})


def _to_job(case: bytes) -> object:
    path = "inbox/pending_compression/a/manifest.json" if b'"total' in case else "inbox/j.json"
    made = finish(parse_manifest(case, path))
    job_key(made)
    for file in made.files:
        json.dumps(dict(file.manifest or {}), ensure_ascii=False).encode()
    json.dumps(dict(made.source), ensure_ascii=False).encode()
    return made


def _to_tree(case: bytes) -> object:
    return read_tree(parse_object(case, "manifest.json"), "b", "manifest.json")


def _to_wanted(case: bytes) -> object:
    return apply_metadata(CHUNK, case, "metadata.json")


def _to_object(case: bytes) -> object:
    found = parse_object(case, "it", MAX_METADATA_BYTES)
    json.dumps(found, ensure_ascii=False).encode()
    return found


def _change_state(case: bytes) -> object:
    done = Change(COMPLETED, "a/compressed.bin", "0" * 64, _STATS, moment="2024-05-06T07:08:09Z")
    changed = apply_change(apply_change(case, Change(FAILED, error="no\udcff"[:2]), "it"), done, "it")
    json.loads(changed)
    return changed


def _to_recipe(case: bytes) -> object:
    recipe = parse_recipe(case)
    assert recipe.offset >= 0
    assert recipe.size is None or recipe.size >= 0
    assert isinstance(recipe.reconstruction.options, dict)
    format_recipe(recipe.model_dump())
    return recipe


def _reconstruct(case: bytes) -> object:
    recipe, data = parse_recipe(case), b"some bytes"
    payload = gzip.compress(data) if "gzip" in recipe.reconstruction.method else data
    target = parse_recipe(_recipes()[0])
    return reconstruct(recipe, payload, registry=Registry(), device=Device(), resolve=lambda _: (target, data))


def _to_report(case: bytes) -> object:
    report = parse_report(case, "the report")
    format_report(report)
    return report


def _to_reports(case: bytes) -> object:
    reports = parse_event(case)
    for report in reports:
        assert isinstance(clip(report), ChunkReport)
        apply_change(b'{"status": "pending"}', Change.of(report, datetime.now(UTC).isoformat()), "it")
    return reports


def _name(case: bytes) -> object:
    text = case.decode("utf-8", "surrogateescape")
    safe_path(text)
    safe_base(text)
    if "/" not in text:
        safe_name(text)
    check_collision(text, ["A", "é"])
    return text
