"""Checks of the machine: Python, packages, GPU, spool, plugins, models."""

import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from panini_daemon.compressors import Device, Registry, choose_device
from panini_daemon.compressors.errors import CompressorError, DeviceUnavailable
from panini_daemon.compressors.models.catalogue import CATALOGUE
from panini_daemon.compressors.models.shelf import FILE
from panini_daemon.config import Settings
from panini_daemon.doctor.findings import Finding, bad, good, skipped, warning
from panini_daemon.gpu_use import GpuUse, read_gpus
from panini_daemon.rendering import format_bytes
from panini_daemon.weights import model_folders

_OLDEST = (3, 11)
_SPOOL_ROOM = 2 << 30
_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)\s*(?:>=\s*([0-9.]+))?(?:\s*;\s*(.*))?$")


def check_python(found: tuple[int, ...] = tuple(sys.version_info[:3])) -> Iterator[Finding]:
    """Look at Python's version and this package's own."""
    text = ".".join(map(str, found))
    if found < _OLDEST:
        yield bad("python", f"Python {text}; expected 3.11 or newer", "choose a newer runtime")
    else:
        yield good("python", f"Python {text} on {platform.system()} {platform.machine()}")


def check_packages(needed: Sequence[str] | None = None) -> Iterator[Finding]:
    """Compare the packages that are needed with those that are installed."""
    needed = (requires("panini-daemon") or []) if needed is None else needed
    wrong, count = [], 0
    for requirement in needed:
        match = _REQUIREMENT.match(requirement)
        if match is None or match[3]:  # only with an extra, or in another form
            continue
        count += 1
        try:
            found = version(match[1])
        except PackageNotFoundError:
            wrong.append(f"{match[1]} is missing")
            continue
        if match[2] and _numbers(found) < _numbers(match[2]):
            wrong.append(f"{match[1]} {found} is older than {match[2]}")
    if wrong:
        yield bad("packages", "; ".join(wrong), "pip install --upgrade panini-daemon")
    else:
        yield good("packages", f"{count} needed packages are there, panini-daemon {version('panini-daemon')}")


def check_gpu(settings: Settings, gpus: Callable[[], Sequence[GpuUse]] = read_gpus) -> Iterator[Finding]:
    """Look whether there is a GPU, whether torch reaches it, and whether it computes as frozen."""
    found = list(gpus())
    driver = f" with driver {found[0].driver}" if found else ""
    wanted = choose_device(settings.device)
    if not wanted.is_cuda:
        if found:
            yield warning(
                "gpu", f"{found[0].name}{driver} is there and not used", "set device = 'auto', or leave it out"
            )
        else:
            yield warning(
                "gpu",
                "there is none: everything works, text_lm_v1 only slowly",
                "in Colab: Runtime, Change runtime type, a GPU; elsewhere nothing is wrong",
            )
    else:
        yield _try_gpu(wanted, driver)


def _try_gpu(wanted: Device, driver: str) -> Finding:
    """Add small numbers on a GPU, as a look whether torch, driver and memory work together."""
    import torch  # noqa: PLC0415  takes seconds; only who asked for a GPU waits

    software = f"torch {torch.__version__}"
    if torch.version.cuda is None:
        return bad("gpu", f"{software} is built without CUDA", "install a CUDA build of torch")
    software = f"{software}, CUDA {torch.version.cuda}"
    try:
        name = wanted.name
        total = (torch.arange(1 << 12, device=wanted.torch) % 7).sum().item()
    except (DeviceUnavailable, RuntimeError) as error:
        return bad(
            "gpu", f"{software} cannot use it{driver}: {error}", "restart the runtime, or install a newer driver"
        )
    expected = sum(at % 7 for at in range(1 << 12))
    if total != expected:
        return bad(
            "gpu", f"{name} adds wrong: {total}, expected {expected}", "use another machine; its memory may be bad"
        )
    return good("gpu", f"{name}{driver}, {software}")


def check_spool(settings: Settings, *, room: int = _SPOOL_ROOM) -> Iterator[Finding]:
    """Look whether the spool is a local folder with room."""
    folder = settings.spool
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield bad("spool", f"{folder} cannot be written: {error}", "set `spool` to a folder on a local disk")
        return
    if isinstance(settings.root, Path) and folder.is_relative_to(settings.root):
        yield bad("spool", f"{folder} lies in the root", "set `spool` to a folder on a local disk")
    elif free < room:
        yield warning("spool", f"{folder} has {format_bytes(free)} free", "free local disk space, or move `spool`")
    else:
        yield good("spool", f"{folder}, {format_bytes(free)} free")


def check_plugins(registry: Registry | None = None) -> Iterator[Finding]:
    """Load every compressor plugin."""
    registry = registry or Registry()
    loaded = 0
    for method in registry.names():
        try:
            registry.get(method)
            loaded += 1
        except CompressorError:  # told below, in `problems`
            continue
    for problem in registry.problems():
        yield bad("plugins", problem, "reinstall it, or uninstall it to be rid of the message")
    if not registry.problems():
        yield good("plugins", f"{loaded} compressors load")


def check_models(settings: Settings, *, has_gpu: bool) -> Iterator[Finding]:
    """Look whether the weights that text_lm_v1 needs are here."""
    folders = model_folders(settings.root)
    names = {one.digest: one.name for one in CATALOGUE}
    here = [(digest, path) for digest in names for folder in folders if (path := folder / digest / FILE).is_file()]
    if here:
        digest, path = here[0]
        device = choose_device(settings.device)
        if device.is_cuda:
            from panini_daemon.compressors.models.runtime import load_runtime  # noqa: PLC0415  imports torch

            load_runtime(path, digest, device)  # computes the frozen numbers, or raises
            yield good("models", f"{names[digest]}, computes as frozen on {device.name}")
        else:
            yield good("models", ", ".join(sorted({names[found] for found, _ in here})))
    elif has_gpu or settings.method == "text_lm_v1":
        fetch = f"panini-daemon models fetch {CATALOGUE[0].name}"
        yield warning("models", "none is here: `max` goes without text_lm_v1", fetch)
    else:
        yield skipped("models", "none is here, and without a GPU none is used")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("+")[0])[:4])
