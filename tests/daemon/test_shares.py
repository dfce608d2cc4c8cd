from pathlib import Path

import pytest

from panini_daemon.config import Settings, load
from panini_daemon.shares import share_out


def settings(**flags: object) -> Settings:
    return load({"worker": "w", "device": "auto", **flags}, environ={}, cwd=Path("/")).settings


def test_each_worker_has_an_id_of_its_own() -> None:
    assert [share.worker for share in share_out(settings(workers=3), 0)] == ["w-1", "w-2", "w-3"]


def test_cores_and_memory_are_shared_out_and_nobody_goes_without() -> None:
    shares = share_out(settings(workers=3, cpu_workers=7, memory_budget="3GiB"), 0)
    assert [share.cpu_workers for share in shares] == [3, 2, 2]
    assert [share.memory_budget for share in shares] == [2**30] * 3
    small = share_out(settings(workers=4, cpu_workers=2, memory_budget="64MiB"), 0)
    assert [share.cpu_workers for share in small] == [1, 1, 1, 1]
    assert {share.memory_budget for share in small} == {2**26}


@pytest.mark.parametrize(
    ("device", "gpus", "devices"),
    [
        ("auto", 0, ["auto"] * 3),
        ("auto", 1, ["auto"] * 3),
        ("auto", 2, ["cuda:0", "cuda:1", "cuda:0"]),
        ("cuda", 4, ["cuda:0", "cuda:1", "cuda:2"]),
        ("cuda:1", 4, ["cuda:1"] * 3),
        ("cpu", 4, ["cpu"] * 3),
    ],
)
def test_gpus_go_round_where_there_are_several_to_choose_from(device: str, gpus: int, devices: list[str]) -> None:
    assert [share.device for share in share_out(settings(workers=3, device=device), gpus)] == devices
