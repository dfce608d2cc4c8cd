import json
from pathlib import Path

from panini_daemon.storage.completion import complete
from panini_daemon.storage.forms import parse_manifest
from panini_daemon.storage.jobs import Job
from panini_daemon.storage.plans import Plan, Wanted

TREE = "inbox/pending_compression/a/photo.png/manifest.json"
SCHEMA = Path(__file__).parents[2] / "docs/schemas/job-1.schema.json"
CHUNK = Wanted("b", 1, folders=("inbox/b/chunk_0001",))


def parse(value: object, path: str = "inbox/j.json") -> Plan:
    return parse_manifest(json.dumps(value).encode(), path)


def finish(plan: Plan) -> Job:
    """The job, as if all data were there."""
    return complete(plan, [c if c.data_path else _found(c) for c in plan.chunks], "inbox")


def _found(chunk: Wanted) -> Wanted:
    from dataclasses import replace

    return replace(chunk, data_path=f"{chunk.folders[0]}/data.bin", data_size=chunk.size)
