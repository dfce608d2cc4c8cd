"""`decompress`: a file back out of a folder of chunks, without a tree."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from panini_daemon.commands.common import print_json, tell_errors, watch_decoding
from panini_daemon.compressors import Registry
from panini_daemon.compressors.device import Device
from panini_daemon.exit_codes import ExitCode
from panini_daemon.reader import Reader
from panini_daemon.rendering import format_bytes, open_console
from panini_daemon.restoration import Restored, restore_chunk, restore_file
from panini_daemon.storage.commits import RECIPE
from panini_daemon.storage.local import LocalStore
from panini_daemon.weights import surroundings


@tell_errors
def decompress_folder(folder: Path, output: Path, *, accept_reencoded: bool, as_json: bool) -> int:
    """Rebuild the file whose chunks, or the chunk whose two files, lie in `folder`."""
    # A chunk's folder stands in a tree, or in a folder of chunks, that may have the models.
    around = surroundings(folder, *folder.resolve().parents, told=watch_decoding(output.name))
    reader = Reader(LocalStore(folder), Registry(surroundings=around), Device())
    restore = restore_chunk if (folder / RECIPE).exists() else restore_file
    restored = restore(reader, "", output, accept_reencoded=accept_reencoded)
    tell_restored(restored, as_json=as_json, print_json=print_json)
    return ExitCode.OK


def tell_restored(restored: Restored, *, as_json: bool, print_json: Callable[[object], None]) -> None:
    """Say what was rebuilt and how far it was checked."""
    if as_json:
        print_json(asdict(restored))
        return
    checked = "every chunk and the whole file" if restored.whole_file_checked else "every chunk"
    if not restored.exact:
        checked = "pixels only: this is a re-encoded image, NOT the original file"
    open_console().print(
        f"{restored.path}  {format_bytes(restored.size)} from {restored.chunks} chunk(s), checked: {checked}\n"
        f"SHA-256 {restored.sha256}",
        soft_wrap=True,
    )
