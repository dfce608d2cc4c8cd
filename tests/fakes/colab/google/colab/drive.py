"""A Drive that is a folder: FAKE_DRIVE says where."""

import os
from pathlib import Path


def mount(mountpoint: str, *, force_remount: bool = False) -> None:
    """Note that it was mounted, where, and whether anew."""
    folder = Path(os.environ["FAKE_DRIVE"])
    folder.mkdir(exist_ok=True)
    with (folder / "mounts.txt").open("a") as file:
        file.write(f"{mountpoint} {force_remount}\n")
