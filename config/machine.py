"""What the machine is like, as far as defaults depend on it: read once and passed on."""

import itertools
import math
import os
import re
import secrets
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

COLAB_DRIVE = Path("/content/drive/MyDrive")
_DEFAULT_MEMORY = 4 * 2**30
# FUSE file systems of this machine alone: a local NTFS disk and a rootless container's root folder.
_LOCAL_FUSE = {"fuseblk", "fuse.fuse-overlayfs", "fuse.overlayfs"}
_GPU = re.compile(r"nvidia\d+")
_DEVICE = re.compile(r"\d+|(GPU|MIG)-.+")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: where, and its type as /proc/mounts names it."""

    point: PurePosixPath
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Facts about host and process. `memory` is in bytes; `drive` is Google Drive's folder where mounted."""

    host: str
    pid: int
    nonce: str
    user: str
    cores: int
    memory: int
    temporary: Path
    gpus: int = 0
    drive: Path | None = None
    mounts: tuple[Mount, ...] = ()

    def is_remote(self, folder: Path) -> bool:
        """Tell whether a folder, which need not exist, lies on Google Drive or on a FUSE mount."""
        path = PurePosixPath(os.path.realpath(folder))
        if self.drive is not None and path.is_relative_to(self.drive.parent):
            return True
        # The longest mount point wins, and of two on one point the later, which hides the earlier.
        kind = ""
        depth = 0
        for mount in self.mounts:
            if path.is_relative_to(mount.point) and len(mount.point.parts) >= depth:
                kind, depth = mount.kind, len(mount.point.parts)
        return (kind == "fuse" or kind.startswith("fuse.")) and kind not in _LOCAL_FUSE


def read_machine() -> Machine:
    """Look at the machine that this process runs on."""
    return Machine(
        host=socket.gethostname(),
        pid=os.getpid(),
        nonce=secrets.token_hex(3),
        user=str(os.getuid()),
        cores=read_cores(),
        memory=read_memory(),
        temporary=Path(tempfile.gettempdir()),
        gpus=count_gpus(os.environ),
        drive=COLAB_DRIVE if COLAB_DRIVE.is_dir() else None,
        mounts=parse_mounts(_read(Path("/proc/mounts"))),
    )


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Read the lines of /proc/mounts; a line that is none is passed over."""
    rows = (line.split(" ") for line in text.splitlines())
    return tuple(Mount(PurePosixPath(_unescape(row[1])), row[2]) for row in rows if len(row) >= 3)


def read_cores(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the cores that this process may use: its affinity, cut by its container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    for folder in _cgroup_folders("cpu", proc, cgroups):
        quota, period = [*_read(folder / "cpu.max").split(), "", ""][:2]
        if not quota:
            quota = _read(folder / "cpu.cfs_quota_us").strip()
            period = _read(folder / "cpu.cfs_period_us").strip()
        if quota.isdigit() and period.isdigit() and int(quota) and int(period):
            cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(1, cores)


def read_memory(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes of memory that this process may use: the machine's, cut by its container's limit."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        memory = _DEFAULT_MEMORY
    for folder in _cgroup_folders("memory", proc, cgroups):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _read(folder / name).strip()
            if limit.isdigit() and int(limit) > 0:
                memory = min(memory, int(limit))
    return memory


def count_gpus(environ: Mapping[str, str], devices: Path = Path("/dev")) -> int:
    """Count the NVIDIA GPUs that this process may use, without asking CUDA, which would take seconds.

    CUDA_VISIBLE_DEVICES counts as CUDA reads it: what stands behind the first entry that is no device is hidden
    (CUDA C++ Programming Guide, "CUDA Environment Variables").
    """
    present = sum(1 for path in devices.glob("nvidia*") if _GPU.fullmatch(path.name))
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return present
    entries = itertools.takewhile(_DEVICE.fullmatch, (entry.strip() for entry in visible.split(",")))
    return min(present, sum(1 for _ in entries))


def _cgroup_folders(controller: str, proc: Path, cgroups: Path) -> list[Path]:
    """List the folders that may hold this process's limits, of version 1 or 2; the lowest one binds it."""
    folders: list[Path] = []
    for line in _read(proc / "self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        names, _, place = rest.partition(":")
        if number == "0" and not names:
            base = cgroups
        elif controller in names.split(","):
            base = cgroups / controller
        else:
            continue
        inner = PurePosixPath(place.lstrip("/"))
        # Inside a container the host's path is not there; its limits then stand in the mount's top folder.
        folders += [base / part for part in (inner, *inner.parents) if ".." not in part.parts]
    return folders


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _unescape(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)
