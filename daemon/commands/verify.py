"""`verify`: is every committed byte still there?"""

import os
from collections.abc import Mapping
from dataclasses import asdict

from panini_daemon.commands.common import load_settings, open_tree, print_json, tell_errors
from panini_daemon.compressors import Registry
from panini_daemon.compressors.device import choose_device
from panini_daemon.errors import Incomplete
from panini_daemon.exit_codes import ExitCode
from panini_daemon.reader import Reader
from panini_daemon.rendering import counting, format_bytes, open_console
from panini_daemon.storage.names import safe_base
from panini_daemon.storage.root import CHUNKS, base_folder
from panini_daemon.verification import Verified, verify_tree
from panini_daemon.weights import surroundings


@tell_errors
def verify_root(flags: Mapping[str, object], base: str | None, *, deep: bool, as_json: bool) -> int:
    """Check the tree, or what lies below `base`; return the exit status."""
    settings = load_settings(flags)
    reader = Reader(
        open_tree(settings), Registry(surroundings=surroundings(settings.root)), choose_device(settings.device)
    )
    folder = base_folder(safe_base(base)) if base else CHUNKS
    with counting("checking") as advance:
        found = verify_tree(
            reader,
            folder,
            deep=deep,
            threads=min(settings.cpu_workers, os.cpu_count() or 1),
            on_chunk=advance,
        )
    if base and not found.files:
        raise Incomplete(f"{folder} holds no committed file; `status` lists what the tree holds")
    if as_json:
        print_json({"deep": deep, **asdict(found)})
    else:
        _tell(found, deep=deep)
    return ExitCode.DAMAGE if found.problems else ExitCode.OK


def _tell(found: Verified, *, deep: bool) -> None:
    console = open_console()
    for problem in found.problems:
        console.print(f"{problem.path}: {problem.error}: {problem.message}", soft_wrap=True)
    what = "decoded and compared" if deep else "hashes compared"
    console.print(
        f"{found.files} files, {found.chunks} chunks, {format_bytes(found.original_size)} in "
        f"{format_bytes(found.compressed_size)}: {what}, {len(found.problems)} problem(s)"
        + (f", {found.reencoded} image(s) of which only the pixels were kept" if found.reencoded else ""),
        soft_wrap=True,
    )
