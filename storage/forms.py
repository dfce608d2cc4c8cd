"""Which of the three forms a JSON file is, and what it says."""

from panini_daemon.storage.chunk_tree import parse_tree
from panini_daemon.storage.dispatch import ACTIONS, parse_dispatch
from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.job_manifest import FORMAT, parse_job
from panini_daemon.storage.json_input import parse_object
from panini_daemon.storage.plans import Plan
from panini_daemon.storage.root import INBOX

TREE_MANIFEST = "manifest.json"


def parse_manifest(data: bytes, path: str, root: str = INBOX) -> Plan:
    """Read a manifest of any form; `path` is where it lies, `root` the folder that its paths are relative to.

    Raises ManifestUnreadable where it may still be arriving, ManifestInvalid, UnsafeName.
    """
    fields = parse_object(data, path)
    if "format" in fields and fields["format"] == FORMAT:
        return parse_job(fields, data, path, root)
    if fields.get("action") in ACTIONS:
        return parse_dispatch(fields, data, path, root)
    if path.rpartition("/")[2] == TREE_MANIFEST:
        return parse_tree(fields, data, path, root)
    raise ManifestInvalid(
        f"{path} is none of the three forms; expected format {FORMAT!r}, action {' or '.join(ACTIONS)}, or a "
        f"chunk tree's {TREE_MANIFEST} beside its chunk folders; write it again"
    )
