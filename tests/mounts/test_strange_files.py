"""What Drive and its mounts put into a folder beside what was meant: second files of one name, pieces of files."""

import itertools
import shutil
import time
from pathlib import Path

import pytest
from fakes.daemon_process import Site
from fakes.mounts.fleet import Fleet

pytestmark = pytest.mark.slow


def copy_beside(path: Path) -> None:
    """Put `name (1).json` beside `name.json`, as a mount shows a second file of one name."""
    shutil.copyfile(path, path.with_name(f"{path.stem} (1){path.suffix}"))


def test_second_files_of_one_name_do_no_harm(fleet: Fleet) -> None:
    fleet.submit_many(12, each=4, size=3000, seed=7)
    for manifest in list((fleet.site.root / "inbox").glob("*.json")):
        copy_beside(manifest)
    for number, mount in enumerate(fleet.mounts):
        fleet.start(f"w{number}", mount)
    leases, chunks = fleet.site.root / "leases", fleet.site.root / "compressed_chunks"
    fleet.wait_until(lambda: list(leases.glob("file-*.json")), "a lease", 60)
    for lease in list(leases.glob("file-*.json")):
        copy_beside(lease)
    fleet.wait_until(lambda: list(chunks.rglob("recipe.json")), "a recipe", 60)
    for recipe in list(chunks.rglob("recipe.json")):
        copy_beside(recipe)
    fleet.wait_until_finished(90)
    assert fleet.end() == []
    assert len(list(chunks.rglob("recipe (1).json"))) >= 1, "there was a second recipe"
    assert len(fleet.commits()) == 12


def test_files_that_appear_empty_and_cut_short_are_waited_for(fleet: Fleet) -> None:
    elsewhere = Site(fleet.site.folder / "elsewhere")
    elsewhere.folder.mkdir()
    _ = elsewhere.store
    for number in range(4):
        elsewhere.submit(f"late-{number}.txt", f"Line {number} of a text that arrives late.\n".encode() * 500)
    fleet.site.submitted |= elsewhere.submitted
    fleet.site.jobs |= elsewhere.jobs
    _ = fleet.site.store
    files = [path for path in (elsewhere.root / "inbox").rglob("*") if path.is_file()]
    for number, mount in enumerate(fleet.mounts):
        fleet.start(f"w{number}", mount).wait_for_text("started")
    for share, path in itertools.product((0.0, 0.3, 0.8, 1.0), files):
        target = fleet.site.root / path.relative_to(elsewhere.root)
        target.parent.mkdir(exist_ok=True)
        data = path.read_bytes()
        target.write_bytes(data[: int(share * len(data))])
        if path == files[-1]:
            time.sleep(1.2)  # each state is seen by the mounts
    fleet.wait_until_finished(90)
    assert fleet.end() == []
