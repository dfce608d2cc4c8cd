"""`restore`: a file back out of the tree."""

from collections.abc import Mapping
from pathlib import Path

from panini_daemon.commands.common import load_settings, open_tree, print_json, tell_errors, watch_decoding
from panini_daemon.commands.decompress import tell_restored
from panini_daemon.compressors import Registry
from panini_daemon.compressors.device import choose_device
from panini_daemon.errors import UsageError
from panini_daemon.exit_codes import ExitCode
from panini_daemon.reader import Reader
from panini_daemon.rendering import progress
from panini_daemon.restoration import read_manifest, restore_chunk, restore_file
from panini_daemon.storage.names import safe_base
from panini_daemon.storage.root import base_folder, chunk_folder
from panini_daemon.weights import surroundings_of


@tell_errors
def restore_base(
    flags: Mapping[str, object],
    base: str,
    *,
    output: Path | None,
    chunk: int | None,
    accept_reencoded: bool,
    as_json: bool,
) -> int:
    """Rebuild `base`, or one chunk of it; return the exit status."""
    if chunk is not None and chunk < 0:
        raise UsageError(f"--chunk is {chunk}; expected 0 or more")
    settings = load_settings(flags)
    safe_base(base)
    store = open_tree(settings)
    around = surroundings_of(settings.root, store, watch_decoding(base))
    reader = Reader(store, Registry(surroundings=around), choose_device(settings.device))
    target = output or Path(base.rpartition("/")[2] + ("" if chunk is None else f".chunk_{chunk:04d}"))
    if chunk is not None:
        restored = restore_chunk(reader, chunk_folder(base, chunk), target, accept_reencoded=accept_reencoded)
    else:
        folder = base_folder(base)
        size = read_manifest(reader, folder).get("total_size")
        with progress(size if isinstance(size, int) else 0, f"restoring {base}") as advance:
            restored = restore_file(reader, folder, target, accept_reencoded=accept_reencoded, on_bytes=advance)
    tell_restored(restored, as_json=as_json, print_json=print_json)
    return ExitCode.OK
