"""Where weights lie: folders named by SHA-256, each with a model.bin."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from panini_daemon.compressors.errors import ModelMissing
from panini_daemon.compressors.models.catalogue import CATALOGUE

FILE = "model.bin"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Folders that are looked through in order."""

    folders: Sequence[Path]

    def find(self, digest: str) -> Path:
        """Return the file of a model. Raises ModelMissing, naming the command that brings it."""
        for folder in self.folders:
            path = folder / digest / FILE
            if path.is_file():
                return path
        known = next((one.name for one in CATALOGUE if one.digest == digest), None)
        command = f"run `panini-daemon models fetch {known}`" if known else "copy its folder from where it was made"
        places = ", ".join(str(folder) for folder in self.folders) or "no folder at all"
        raise ModelMissing(f"the model {digest} is not on this machine (looked in {places}); {command}")


def own_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return where this user's models lie: below XDG_DATA_HOME, else ~/.local/share."""
    given = os.environ if environ is None else environ
    data = given.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "panini-daemon" / "models"
