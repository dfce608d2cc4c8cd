"""`github pending`, as a workflow runs it in a checkout."""

from fakes.deliveries import CHUNKS
from fakes.workflow_step import POINTER, TREE, Step, hub, step

from panini_daemon.exit_codes import ExitCode

__all__ = ["hub", "step"]


def test_pending_counts_what_waits(step: Step) -> None:
    step.check_out()
    ran = step("pending")
    assert (ran.code, ran.err) == (ExitCode.OK, "")
    assert ran.out.splitlines()[1].split() == ["3", "39", "-", "a/photo.png"]
    assert ran.out.splitlines()[-1] == "1 file(s), 3 chunk(s), 39 B to compress"
    assert step.told("GITHUB_OUTPUT") == "pending=1\nchunks=3\nbytes=39\n"
    assert "| a/photo.png | 3 | 39 |  |\n" in step.told("GITHUB_STEP_SUMMARY")


def test_pending_outside_actions_writes_no_files(step: Step) -> None:
    step.check_out()
    step.unset("GITHUB_OUTPUT")
    step.unset("GITHUB_STEP_SUMMARY")
    assert step("pending").code == ExitCode.OK
    assert [path.name for path in step.folder.iterdir()] == ["pending_compression"]


def test_pending_as_json(step: Step) -> None:
    step.check_out()
    step.write(f"{TREE}/chunk_0001/data.bin", b"x")
    ran = step("pending", "--json")
    assert ran.code == ExitCode.DAMAGE
    assert {**ran.json, "files": 0} == {"pending": 0, "chunks": 0, "bytes": 0, "files": 0}
    (file,) = ran.json["files"]
    assert (file["file"], file["folder"]) == ("a/photo.png", TREE)
    assert "found 1 bytes" in file["problem"]


def test_nothing_pending_is_no_failure(step: Step) -> None:
    ran = step("pending")
    assert (ran.code, ran.out) == (ExitCode.OK, "0 file(s), 0 chunk(s), 0 B to compress\n")
    assert step.told("GITHUB_OUTPUT") == "pending=0\nchunks=0\nbytes=0\n"


def test_another_folder_can_be_named(step: Step) -> None:
    step.check_out()
    (step.folder / "pending_compression").rename(step.folder / "chunks")
    assert step("pending", "--folder", "chunks/", "--json").json["chunks"] == 3
    assert step("pending", "--json").json["chunks"] == 0
    for folder in ("../x", "/etc", ""):
        assert step("pending", "--folder", folder).code == ExitCode.USAGE


def test_pending_names_damage_and_counts_the_rest(step: Step) -> None:
    step.check_out()
    for path in (step.folder / TREE).rglob("*"):
        if path.is_file():
            step.write(f"pending_compression/sound/{path.relative_to(step.folder / TREE)}", path.read_bytes())
    step.write(f"{TREE}/chunk_0001/data.bin", b"x" * len(CHUNKS[1]))
    ran = step("pending")
    assert ran.code == ExitCode.DAMAGE
    assert f"error: {TREE}: a/photo.png/chunk_0001: " in ran.err
    assert "HashMismatch a/photo.png" in ran.out
    assert "pending=1\nchunks=3\n" in step.told("GITHUB_OUTPUT")
    assert "SHA-256" in step.told("GITHUB_STEP_SUMMARY")


def test_pointers_of_git_lfs_name_the_remedy(step: Step) -> None:
    step.check_out()
    step.write(f"{TREE}/chunk_0001/data.bin", POINTER)
    for arguments in (["pending"], ["drop", "--root", "R", "--no-mark-queued"]):
        ran = step(*arguments)
        assert ran.code == ExitCode.DAMAGE
        assert "lfs: true" in ran.err


def test_names_are_no_commands_to_the_runner_and_no_markdown(step: Step) -> None:
    name = "pending_compression/::add-mask::x|<b>`\n##[group]"
    step.write(f"{name}/manifest.json", b"{")
    ran = step("pending")
    assert ran.code == ExitCode.DAMAGE
    for line in (ran.out + ran.err).splitlines():
        assert not line.strip().startswith("::")
        assert "##[" not in line
    (row,) = [line for line in step.told("GITHUB_STEP_SUMMARY").splitlines() if "mask" in line]
    assert row.replace(r"\|", "").count("|") == 5
    assert "<b>" not in row
