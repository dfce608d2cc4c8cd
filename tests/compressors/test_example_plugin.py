"""A third party's distribution: installed with pip, found by its entry point, used, and decoded."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "plugins" / "panini-example-plugin"

SCRIPT = """
import sys
from panini_daemon.compressors import *

device = Device(sys.argv[1])
registry = Registry()
assert "example_planes_v1" in registry.names(), registry.names()
compress(b"text " * 50, registry=registry, level=Level.BEST)
assert "torch" not in sys.modules, "torch is imported though the plugin has not run"

chunks = [b"".join((at * at + 70_000 * step).to_bytes(4, "little") for at in range(700)) for step in range(20)]
chunks += [b"", b"abc", bytes(range(256))]
heard = []
request = dict(registry=registry, request="example_planes_v1", device=device)
results = compress_batch([Item(chunk) for chunk in chunks], on_trial=heard.append, **request)
for chunk, result in zip(chunks, results, strict=True):
    back = decompress(
        result.payload, registry=registry, method=result.method, parameters=result.parameters, size=len(chunk)
    )
    assert back == chunk
assert results[0].method == "example_planes_v1", results[0]
assert len(results[0].payload) * 3 < len(chunks[0])
assert compress(chunks[3], **request).payload == results[3].payload, "alone and together differ"
assert "torch" in sys.modules
assert registry.problems() == [], registry.problems()
print("done", device.spec, len(results))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import shutil

    folder = tmp_path_factory.mktemp("plugin")
    copy = folder / "source"
    shutil.copytree(SOURCE, copy)  # pip leaves its build output beside the source
    target = folder / "target"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-build-isolation", "--no-index", "--target", str(target), str(copy)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return target


def run(target: Path, device: str) -> str:
    import os

    environment = {**os.environ, "PYTHONPATH": str(target)}
    command = [sys.executable, "-c", SCRIPT, device]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_an_installed_plugin_is_found_used_and_decodes(installed: Path) -> None:
    assert run(installed, "cpu") == "done cpu 23"


@pytest.mark.slow
@pytest.mark.gpu
def test_an_installed_plugin_runs_on_the_gpu_and_its_payload_decodes_on_the_cpu(installed: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device")
    assert run(installed, "cuda:0") == "done cuda:0 23"
