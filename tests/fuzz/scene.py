"""A real tree in a folder, with something beside it that nobody may touch."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path

from fakes.clock import FakeClock

from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import open_root

CANARY = b"nobody touches this"


class Touched(AssertionError):
    """Something outside the tree was read into it, changed, made or deleted."""


class Scene:
    """A folder with the tree `root` and `outside`, to which links in the tree lead."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="panini-fuzz-"))
        weakref.finalize(self, shutil.rmtree, self.home, ignore_errors=True)
        self.root, self.outside = self.home / "root", self.home / "outside"
        self.clock = FakeClock()
        self.renew()

    def renew(self) -> LocalStore:
        """Make a new tree, with links to the outside; return a store over it."""
        for folder in (self.root, self.outside):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        (self.outside / "canary").write_bytes(CANARY)
        store = LocalStore(self.root)
        open_root(store, create=True, clock=self.clock)
        for link in ("link", "inbox/link", "compressed_chunks/link"):
            (self.root / link).symlink_to(self.outside, target_is_directory=True)
        return store

    def check(self) -> None:
        """Raise Touched where the outside is not as it was, or has come into the tree."""
        found = sorted(path.relative_to(self.home).as_posix() for path in self.home.iterdir())
        inside = [path.name for path in self.outside.iterdir()]
        if found != ["outside", "root"] or inside != ["canary"]:
            raise Touched(f"beside the tree: {found}, {inside}")
        if (self.outside / "canary").read_bytes() != CANARY:
            raise Touched("the canary was written")
        for folder, _, names in os.walk(self.root):
            for path in (Path(folder) / name for name in names):
                if path.is_file() and not path.is_symlink() and CANARY in path.read_bytes():
                    raise Touched(f"{path.relative_to(self.home)} holds the canary")


def in_tree(act: Callable[[Scene, LocalStore, bytes], object]) -> Callable[[], Callable[[bytes], object]]:
    """Return a target's `make`: each case gets a new tree, and the outside is looked at behind it."""

    def make() -> Callable[[bytes], object]:
        scene = Scene()

        def run(case: bytes) -> object:
            store = scene.renew()
            try:
                return act(scene, store, case)
            finally:
                scene.check()

        return run

    return make
