import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fakes.bench import Bench
from fakes.trees import commit, commit_run

from panini_daemon.compressors import Device, Registry
from panini_daemon.reader import Reader
from panini_daemon.restoration import restore_file
from panini_daemon.storage.commits import already_committed, find_commit
from panini_daemon.storage.errors import NotCommitted
from panini_daemon.verification import verify_tree

OLD, NEW = "compressed_chunks/old/chunk_0000", "compressed_chunks/new/chunk_0000"
TEXT = "\n".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(32)).encode()
SHA = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench(dedup=True)


def file_twice(bench: Bench, **options: object) -> None:
    for base in ("old", "new"):
        bench.submit("play.txt", TEXT, base=base, **options)
        bench.run()


def reader(bench: Bench) -> Reader:
    return Reader(bench.store, Registry(), Device())


def problems(bench: Bench, *, deep: bool = False) -> list[str]:
    return [one.path for one in verify_tree(reader(bench), "compressed_chunks", deep=deep).problems]


def test_a_chunk_that_the_tree_holds_becomes_a_reference_and_restores(bench: Bench, tmp_path: Path) -> None:
    file_twice(bench)
    recipe = bench.json(f"{NEW}/recipe.json")
    assert recipe["compression_method"] == "dedup_reference_v1"
    assert recipe["reconstruction"] == {"method": "dedup_resolve", "parameters": {"reference_path": OLD}}
    assert (recipe["original_hash"], recipe["stats"]["compressed_size"]) == (SHA, 0)
    assert bench.store.read(f"{NEW}/compressed.bin") == b""
    assert len(bench.compute.orders) == 1
    assert problems(bench, deep=True) == []
    restored = restore_file(reader(bench), "compressed_chunks/new", tmp_path / "out")
    assert (restored.sha256, restored.exact) == (SHA, True)
    assert [bench.names(folder) for folder in ("inbox", "failed")] == [[], []]


def test_the_log_line_and_the_totals_tell_of_the_reference(bench: Bench) -> None:
    file_twice(bench)
    lines = [event for event in bench.events() if event["event"] == "chunk_committed"]
    assert [(line["method"], line["compressed"]) for line in lines][1] == ("dedup_reference_v1", 0)
    totals = bench.service.tally.totals(bench.clock.monotonic())
    assert (totals.bytes_in, totals.bytes_out) == (2 * len(TEXT), lines[0]["compressed"])


def test_a_third_copy_refers_to_the_first_and_never_to_a_reference(bench: Bench) -> None:
    file_twice(bench)
    bench.submit("play.txt", TEXT, base="third")
    bench.run()
    told = bench.json("compressed_chunks/third/chunk_0000/recipe.json")["reconstruction"]["parameters"]
    assert told == {"reference_path": OLD}


def test_equal_chunks_of_one_file_are_compressed_once(bench: Bench) -> None:
    bench.submit("twice.txt", TEXT + TEXT, base="twice", chunk_size=len(TEXT))
    bench.run()
    second = bench.json("compressed_chunks/twice/chunk_0001/recipe.json")
    assert len(bench.compute.orders) == 1
    assert second["compression_method"] == "dedup_reference_v1"
    assert second["assembly_info"]["depends_on"] == [0]


def test_tiny_chunks_are_not_worth_a_reference(bench: Bench) -> None:
    for base in ("old", "new"):
        bench.submit("tiny.txt", TEXT[:255], base=base)
        bench.run()
    assert len(bench.compute.orders) == 2


def test_a_method_that_was_asked_for_by_name_is_used(bench: Bench) -> None:
    file_twice(bench, method="generic_gzip_v1")
    assert bench.json(f"{NEW}/recipe.json")["compression_method"] == "generic_gzip_v1"


@pytest.mark.parametrize("name", ["compressed.bin", "recipe.json"])
def test_a_damaged_twin_is_not_referred_to(bench: Bench, name: str) -> None:
    bench.submit("play.txt", TEXT, base="old")
    bench.run()
    bench.store.write(f"{OLD}/{name}", b"damaged")
    bench.submit("play.txt", TEXT, base="new")
    bench.run()
    assert bench.json(f"{NEW}/recipe.json")["compression_method"] != "dedup_reference_v1"
    assert problems(bench) == [OLD]


def test_a_twin_whose_payload_decodes_to_something_else_is_not_referred_to(bench: Bench) -> None:
    commit(bench.store, OLD, TEXT[::-1], chunk_id=0, offset=0, original_hash=SHA)
    bench.index.add(SHA, OLD)
    bench.submit("play.txt", TEXT, base="new")
    bench.run()
    assert bench.json(f"{NEW}/recipe.json")["compression_method"] != "dedup_reference_v1"


@pytest.mark.parametrize("damage", ["remove", "replace", "refer"])
def test_a_reference_counts_only_while_its_target_does(bench: Bench, damage: str) -> None:
    file_twice(bench)
    assert already_committed(bench.store, NEW, SHA) is not None
    if damage == "remove":
        bench.store.delete(OLD)
    elif damage == "replace":
        bench.store.delete(OLD)
        commit(bench.store, OLD, b"other bytes", chunk_id=0, offset=0)
    else:
        for name in ("recipe.json", "compressed.bin"):
            bench.store.write(f"{OLD}/{name}", bench.store.read(f"{NEW}/{name}"))
    assert already_committed(bench.store, NEW, SHA) is None
    with pytest.raises(NotCommitted, match="restore that folder"):
        find_commit(bench.store, NEW)
    assert NEW in problems(bench)


def test_a_target_that_was_lost_is_made_again_from_its_original_and_mends_what_refers_to_it(bench: Bench) -> None:
    file_twice(bench)
    bench.store.delete(OLD)
    bench.submit("play.txt", TEXT, base="old")
    bench.run()
    assert bench.json(f"{OLD}/recipe.json")["compression_method"] != "dedup_reference_v1"
    assert problems(bench, deep=True) == []


def test_original_stays_until_the_target_is_there_again(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(dedup=True, removal_delay=30.0)
    bench.submit("play.txt", TEXT, base="old")
    bench.run()
    bench.submit("play.txt", TEXT, base="new")
    while not bench.store.files.get(f"{NEW}/recipe.json"):
        bench.round()
    bench.store.delete(OLD)
    bench.run()
    assert bench.json(f"{NEW}/recipe.json")["compression_method"] != "dedup_reference_v1"
    assert problems(bench) == [OLD]


@pytest.mark.parametrize(("age", "method"), [(timedelta(hours=23), False), (timedelta(hours=25), True)])
def test_a_late_folder_refers_only_to_what_was_filed_a_day_before_the_job(
    make_bench: Callable[..., Bench], age: timedelta, method: bool
) -> None:
    bench = make_bench(dedup=True, late=True, removal_delay=30.0)
    bench.submit("play.txt", TEXT, base="old")
    bench.run()
    bench.clock.advance(age.total_seconds())
    bench.submit("play.txt", TEXT, base="new")
    bench.run()
    assert (bench.json(f"{NEW}/recipe.json")["compression_method"] == "dedup_reference_v1") is method


def test_another_worker_finds_the_twin_by_the_index(make_bench: Callable[..., Bench]) -> None:
    first = make_bench(dedup=True)
    first.submit("play.txt", TEXT, base="old")
    first.run()
    first.index.beat()
    second = make_bench(dedup=True, store=first.store, worker="w2")
    second.index.beat()
    second.submit("play.txt", TEXT, base="new")
    second.run()
    assert second.compute.orders == []
    assert second.json(f"{NEW}/recipe.json")["worker"] == "w2"


def file_run(bench: Bench, base: str = "old") -> list[str]:
    """File pieces of text as slices of one run; return their SHA-256."""
    pieces = [TEXT[:900], TEXT[900:1800], TEXT[1800:]]
    commit_run(bench.store, base, pieces)
    hashes = [hashlib.sha256(piece).hexdigest() for piece in pieces]
    for number, sha256 in enumerate(hashes):
        bench.index.add(sha256, f"compressed_chunks/{base}/chunk_{number:04d}")
    return hashes


def test_a_chunk_that_a_run_holds_becomes_a_slice_of_it(bench: Bench) -> None:
    file_run(bench)
    bench.submit("part.txt", TEXT[900:1800], base="new")
    bench.run()
    recipe, old = bench.json(f"{NEW}/recipe.json"), bench.json("compressed_chunks/old/chunk_0001/recipe.json")
    assert recipe["compression_method"] == "solid_slice_v1"
    assert recipe["reconstruction"] == old["reconstruction"]
    assert (recipe["stats"]["compressed_size"], bench.compute.orders) == (0, [])
    assert reader(bench).read(NEW)[1].data == TEXT[900:1800]
    assert problems(bench, deep=True) == []


def test_a_slice_is_noted_for_others_to_be_sliced_from(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(dedup=True, solid=True)
    bench.submit("play.txt", TEXT, base="old", chunk_size=900)
    bench.run()
    bench.submit("part.txt", TEXT[900:1800], base="new")
    bench.run()
    assert bench.json(f"{NEW}/recipe.json")["compression_method"] == "solid_slice_v1"
    assert len(bench.compute.orders) == 1


def test_a_slice_whose_run_does_not_give_these_bytes_is_not_copied(bench: Bench) -> None:
    commit_run(bench.store, "old", [TEXT[:900], TEXT[900:1800]], offset=0)
    bench.index.add(hashlib.sha256(TEXT[900:1800]).hexdigest(), "compressed_chunks/old/chunk_0001")
    bench.submit("part.txt", TEXT[900:1800], base="new")
    bench.run()
    assert bench.json(f"{NEW}/recipe.json")["compression_method"] != "solid_slice_v1"


@pytest.mark.parametrize(("held", "together"), [(1, True), (2, False), (3, False)])
def test_a_file_of_which_the_tree_holds_half_goes_chunk_by_chunk_else_as_a_whole(
    make_bench: Callable[..., Bench], held: int, together: bool
) -> None:
    bench = make_bench(dedup=True, solid=True)
    hashes = file_run(bench)
    for number, sha256 in enumerate(hashes[held:], held):
        bench.index.forget(sha256, f"compressed_chunks/old/chunk_{number:04d}")
    bench.submit("play.txt", TEXT, base="new", chunk_size=900)
    bench.run()
    told = [bench.json(f"compressed_chunks/new/chunk_{number:04d}/recipe.json") for number in range(3)]
    runs = [one["reconstruction"]["parameters"].get("run", "")[:4] for one in told]
    assert runs == (["run_"] * 3 if together else ["old/"] * held + [""] * (3 - held))
    assert problems(bench, deep=True) == []
    assert restore_file(reader(bench), "compressed_chunks/new", bench.folder / "out").size == len(TEXT)


def test_in_a_late_folder_only_runs_that_were_filed_a_day_before_are_sliced_from(
    make_bench: Callable[..., Bench],
) -> None:
    bench = make_bench(dedup=True, solid=True, late=True, removal_delay=1.0)
    bench.submit("play.txt", TEXT, base="old", chunk_size=900)
    bench.run()
    for base, days in (("soon", 0), ("later", 2)):
        bench.clock.advance(86400.0 * days)
        bench.submit("part.txt", TEXT[900:1800], base=base)
        bench.run()
    told = [bench.json(f"compressed_chunks/{base}/chunk_0000/recipe.json") for base in ("soon", "later")]
    assert [one["compression_method"] == "solid_slice_v1" for one in told] == [False, True]


def test_a_file_that_is_sent_again_under_another_name_decodes_each_run_once(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench(dedup=True, solid=True)
    bench.submit("play.txt", TEXT, base="old", chunk_size=900)
    bench.run()
    proofs, verify = [], bench.compute.verify_run
    monkeypatch.setattr(bench.compute, "verify_run", lambda *told: proofs.append(len(told[0])) or verify(*told))
    bench.submit("play.txt", TEXT, base="new", chunk_size=900)
    bench.run()
    assert proofs == [3]
    assert [name for name in bench.names("compressed_chunks/new") if name.startswith("run_")] == []
    assert problems(bench, deep=True) == []


def test_who_goes_on_with_a_file_that_was_half_sliced_from_another_decodes_its_run_once(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench(dedup=True, solid=True)
    for base in ("old", "new"):
        bench.submit("play.txt", TEXT, base=base, chunk_size=300)
        bench.run()
    for number in range(1, 5):
        bench.store.delete(f"compressed_chunks/new/chunk_{number:04d}")
    proofs, verify = [], bench.compute.verify_run
    monkeypatch.setattr(bench.compute, "verify_run", lambda *told: proofs.append(len(told[0])) or verify(*told))
    bench.submit("play.txt", TEXT, base="new", chunk_size=300)
    bench.run()
    assert proofs == [4]
    assert problems(bench, deep=True) == []


def test_a_run_that_lies_beside_chunks_that_were_moved_is_not_named_by_others(bench: Bench) -> None:
    file_run(bench)
    for path, data in bench.store.files.items():
        if path.startswith("compressed_chunks/old/"):
            bench.store.write(path.replace("/old/", "/moved/"), data)
    bench.store.delete("compressed_chunks/old")
    sha256 = hashlib.sha256(TEXT[900:1800]).hexdigest()
    bench.index.forget(sha256, "compressed_chunks/old/chunk_0001")
    bench.index.add(sha256, "compressed_chunks/moved/chunk_0001")
    bench.submit("part.txt", TEXT[900:1800], base="new")
    bench.run()
    assert bench.json(f"{NEW}/recipe.json")["compression_method"] != "solid_slice_v1"
    assert problems(bench, deep=True) == []
