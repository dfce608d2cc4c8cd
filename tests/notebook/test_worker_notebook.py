"""The notebook runs from top to bottom, on a local root and with a stand-in for google.colab."""

import json
import os
import sys
from pathlib import Path

import nbclient
import nbconvert
import nbformat
import pytest
from fakes.command_line import isolate

from panini_daemon.cli import main

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks/workers/compression_worker.ipynb"
TOKEN = "ghp_" + "notebook000000000000"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the notebook's own packages
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(tmp_path, monkeypatch)
    (tmp_path / "a.txt").write_bytes(b"a line of text\n" * 500)
    for name, value in {
        "PANINI_ROOT": str(tmp_path / "PaniniFS"),
        "PANINI_DRAIN_TIME": "1s",
        "PYTHONPATH": str(ROOT / "tests/fakes/colab"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "FAKE_DRIVE": str(tmp_path / "drive"),
        "FAKE_SECRETS": json.dumps({"GITHUB_TOKEN": TOKEN}),
        "JUPYTER_PLATFORM_DIRS": "1",
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        main(["submit", "a.txt"])
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:  # what a person would choose in the forms
        cell.source = cell.source.replace('MODEL = "smollm2-135m"', 'MODEL = "none"')
        cell.source = cell.source.replace('RUNTIME_LIMIT = "11h"', 'RUNTIME_LIMIT = "6s"')
        cell.source = cell.source.replace('LEVEL = "max"', 'LEVEL = "fast"')
        cell.source = cell.source.replace("RUNTIME_LIMIT)", "RUNTIME_LIMIT, every=0.5)")
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    if target := os.environ.get("NOTEBOOK_HTML"):
        Path(target).write_text(page, encoding="utf-8")
    assert (tmp_path / "drive/mounts.txt").read_text() == "/content/drive False\n"
    assert "secrets found: GITHUB_TOKEN" in page
    assert (tmp_path / "PaniniFS/compressed_chunks/a.txt/chunk_0000/recipe.json").is_file()
    assert "panini" in page
    assert "jobs done" in page
    assert "1 files, 1 chunks" in page
    assert TOKEN not in page


def test_the_notebook_is_saved_without_output_and_names_no_machine() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")
