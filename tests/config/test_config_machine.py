import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.config.machine import Machine, count_gpus, parse_mounts, read_cores, read_machine, read_memory

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
drive /mnt/my\\040drive fuse.rclone rw,nosuid 0 0
/dev/sdb1 /mnt/disk fuseblk rw 0 0
tmpfs /mnt/my\\040drive/local tmpfs rw 0 0
drive /srv/over fuse rw 0 0
/dev/sdc1 /srv/over ext4 rw 0 0
broken
"""


def machine(mounts: str = MOUNTS, drive: Path | None = None) -> Machine:
    return Machine(
        host="h",
        pid=1,
        nonce="n",
        user="0",
        cores=1,
        memory=2**30,
        temporary=Path("/tmp"),
        drive=drive,
        mounts=parse_mounts(mounts),
    )


@pytest.mark.parametrize(
    ("folder", "remote"),
    [
        ("/home/me/PaniniFS", False),
        ("/mnt/my drive", True),
        ("/mnt/my drive/Panini/FS", True),
        ("/mnt/my drive2", False),
        ("/mnt/my drive/local/x", False),
        ("/mnt/disk/x", False),
        ("/srv/over/x", False),
    ],
)
def test_a_folder_is_remote_where_its_innermost_latest_mount_is_fuse(folder: str, remote: bool) -> None:
    assert machine().is_remote(Path(folder)) is remote


def test_a_rootless_containers_own_root_is_not_remote() -> None:
    assert not machine("overlay / fuse.fuse-overlayfs rw 0 0\n").is_remote(Path("/PaniniFS"))


def test_everything_on_google_drive_is_remote_whatever_its_mount_is_called() -> None:
    here = machine("", drive=Path("/content/drive/MyDrive"))
    assert here.is_remote(Path("/content/drive/MyDrive/PaniniFS"))
    assert here.is_remote(Path("/content/drive/Shareddrives/x"))
    assert not here.is_remote(Path("/content/PaniniFS"))


def test_a_link_into_a_remote_folder_is_remote(tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "drive")
    here = machine(f"x {os.path.realpath(tmp_path)}/drive fuse.rclone rw 0 0\n")
    assert here.is_remote(tmp_path / "link" / "new")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_any_mount_table_is_read(text: str) -> None:
    for mount in parse_mounts(text):
        assert isinstance(mount.point, PurePosixPath)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_memory_is_cut_by_the_tightest_cgroup_2_limit_above_the_process(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/a/b\n")
    write(tmp_path / "cg/a/b/memory.max", "max\n")
    write(tmp_path / "cg/a/memory.max", "134217728\n")
    assert read_memory(tmp_path / "proc", tmp_path / "cg") == 2**27


def test_memory_is_cut_by_a_cgroup_1_limit_of_a_container(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "4:memory:/docker/0123\n1:cpu,cpuacct:/docker/0123\n")
    write(tmp_path / "cg/memory/memory.limit_in_bytes", "268435456\n")
    assert read_memory(tmp_path / "proc", tmp_path / "cg") == 2**28


def test_memory_without_limits_is_the_machines(tmp_path: Path) -> None:
    assert read_memory(tmp_path, tmp_path) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("place", ["cg/cpu.max", "cg/x/cpu.max"])
def test_cores_are_cut_by_a_cgroup_2_quota_and_never_below_one(tmp_path: Path, place: str) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/x\n")
    write(tmp_path / place, "50000 100000\n")
    assert read_cores(tmp_path / "proc", tmp_path / "cg") == 1


def test_cores_are_cut_by_a_cgroup_1_quota(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "1:cpu,cpuacct:/\n")
    write(tmp_path / "cg/cpu/cpu.cfs_quota_us", "90000\n")
    write(tmp_path / "cg/cpu/cpu.cfs_period_us", "100000\n")
    assert read_cores(tmp_path / "proc", tmp_path / "cg") == 1


def test_cores_without_a_quota_are_those_of_the_affinity(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/\n1:cpu:/\n")
    write(tmp_path / "cg/cpu.max", "max 100000\n")
    write(tmp_path / "cg/cpu/cpu.cfs_quota_us", "-1\n")
    write(tmp_path / "cg/cpu/cpu.cfs_period_us", "100000\n")
    assert read_cores(tmp_path / "proc", tmp_path / "cg") == len(os.sched_getaffinity(0))


def test_this_machine_can_be_read_and_differs_each_time_in_its_nonce() -> None:
    one, two = read_machine(), read_machine()
    assert one.pid == os.getpid()
    assert one.cores >= 1
    assert one.memory >= 2**20
    assert one.nonce != two.nonce


@pytest.mark.parametrize(
    ("visible", "count"),
    [
        (None, 3),
        ("", 0),
        ("0,2", 2),
        ("1", 1),
        ("0,-1,2", 1),
        ("NoDevFiles", 0),
        ("GPU-8a1f, GPU-77c0", 2),
        ("0,1,2,3", 3),
    ],
)
def test_gpus_are_counted_as_cuda_would_show_them(tmp_path: Path, visible: str | None, count: int) -> None:
    for name in ("nvidia0", "nvidia1", "nvidia2", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert count_gpus(environ, tmp_path) == count
