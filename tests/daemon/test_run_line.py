"""Chunks of one file compressed as one, by a whole worker over a store in memory."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.bench import Bench
from fakes.run_scene import COUNT, NOISE, SIZE, TEXT, check, methods, reader, recipes, runs, send
from fakes.trees import commit

from panini_daemon.storage.root import CHUNKS
from panini_daemon.verification import verify_tree


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench(solid=True)


def test_a_file_that_was_cut_is_compressed_as_a_whole_and_restores(bench: Bench) -> None:
    send(bench)
    bench.run()
    (run,) = runs(bench)
    assert [order.size for order in bench.compute.orders] == [len(TEXT)]
    assert methods(bench) == {"solid_slice_v1"}
    assert len(recipes(bench)) == COUNT
    assert check(bench).compressed_size == len(bench.store.read(run)) < len(TEXT) // 4


def test_each_chunk_restores_by_itself_and_its_recipe_names_the_run(bench: Bench) -> None:
    send(bench)
    bench.run()
    (run,) = runs(bench)
    for number, recipe in enumerate(recipes(bench)):
        folder = f"{CHUNKS}/play.txt/chunk_{number:04d}"
        assert reader(bench).read(folder)[1].data == TEXT[number * SIZE : (number + 1) * SIZE]
        assert bench.store.read(f"{folder}/compressed.bin") == b""
        told = recipe["reconstruction"]["parameters"]
        assert (f"{CHUNKS}/play.txt/{told['run']}", told["offset"]) == (run, number * SIZE)
        assert (told["run_size"], told["decoded_size"]) == (len(bench.store.read(run)), len(TEXT))
        assert recipe["assembly_info"]["depends_on"] == []


def test_the_recipe_of_a_slice_has_every_field_that_a_recipe_has(bench: Bench) -> None:
    send(bench)
    bench.submit("alone.txt", TEXT[:SIZE], base="alone.txt")
    bench.run()
    alone = bench.json(f"{CHUNKS}/alone.txt/chunk_0000/recipe.json")
    assert alone["compression_method"] != "solid_slice_v1"
    assert {tuple(recipe) for recipe in recipes(bench)} == {tuple(alone)}
    assert {tuple(recipe["source"]) for recipe in recipes(bench)} == {("job_id",)}


def test_the_numbers_of_the_chunks_add_up_to_the_run(bench: Bench) -> None:
    send(bench)
    bench.run()
    (run,) = runs(bench)
    size = len(bench.store.read(run))
    lines = [event for event in bench.events() if event["event"] == "chunk_committed"]
    totals = bench.service.tally.totals(bench.clock.monotonic())
    receipt = bench.json(f"done/{bench.names('done')[0]}")
    assert sum(recipe["stats"]["compressed_size"] for recipe in recipes(bench)) == size
    assert sum(line["compressed"] for line in lines) == size
    assert (totals.bytes_in, totals.bytes_out) == (len(TEXT), size)
    assert totals.methods["generic_zstd_v1"].bytes_out == size
    assert receipt["compressed_size"] == size
    inner = recipes(bench)[0]["reconstruction"]["parameters"]["method"]
    assert {(line["method"], line["inner"], line["decoded_size"]) for line in lines} == {
        ("solid_slice_v1", inner, len(TEXT))
    }


def test_a_file_that_becomes_no_smaller_is_filed_chunk_by_chunk(bench: Bench) -> None:
    send(bench, data=NOISE)
    bench.run()
    assert methods(bench) == {"passthrough_v1"}
    assert runs(bench) == []
    check(bench, data=NOISE)


@pytest.mark.parametrize(("method", "solid"), [("generic_gzip_v1", False), ("generic", True), (None, True)])
def test_a_method_that_was_asked_for_by_name_is_used_for_each_chunk(
    bench: Bench, method: str | None, solid: bool
) -> None:
    send(bench, **({"method": method} if method else {}))
    bench.run()
    assert (methods(bench) == {"solid_slice_v1"}) is solid
    check(bench)


def test_without_the_setting_every_chunk_goes_alone(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(solid=False)
    send(bench)
    bench.run()
    assert runs(bench) == []
    check(bench)


def test_chunks_of_a_run_that_are_missing_are_cut_out_of_it_without_compressing(bench: Bench) -> None:
    send(bench)
    bench.run()
    for number in (0, 2):
        bench.store.delete(f"{CHUNKS}/play.txt/chunk_{number:04d}")
    send(bench)
    bench.run()
    assert len(bench.compute.orders) == 1
    assert methods(bench) == {"solid_slice_v1"}
    assert len(runs(bench)) == 1
    assert sum(recipe["stats"]["compressed_size"] for recipe in recipes(bench)) == len(bench.store.read(runs(bench)[0]))
    check(bench)


def test_chunks_that_a_run_does_not_really_hold_go_alone(bench: Bench) -> None:
    send(bench)
    bench.run()
    other = TEXT[:SIZE] + bytes(SIZE) + TEXT[2 * SIZE :]
    bench.store.delete(f"{CHUNKS}/play.txt/chunk_0001")
    bench.store.delete(f"{CHUNKS}/play.txt/manifest.json")
    send(bench, data=other)
    bench.run()
    assert recipes(bench)[1]["compression_method"] != "solid_slice_v1"
    assert reader(bench).read(f"{CHUNKS}/play.txt/chunk_0001")[1].data == bytes(SIZE)
    assert verify_tree(reader(bench), CHUNKS, deep=True).problems == []


def test_beside_chunks_that_are_committed_otherwise_the_others_go_alone(bench: Bench) -> None:
    commit(bench.store, f"{CHUNKS}/play.txt/chunk_0001", TEXT[SIZE : 2 * SIZE], chunk_id=1, offset=SIZE)
    send(bench)
    bench.run()
    assert runs(bench) == []
    assert recipes(bench)[1]["compression_method"] == "generic_gzip_v1"
    check(bench)


def test_a_run_that_is_lost_is_made_again(bench: Bench) -> None:
    send(bench)
    bench.run()
    (run,) = runs(bench)
    data = bench.store.read(run)
    bench.store.delete(run)
    send(bench)
    bench.run()
    assert bench.store.read(run) == data
    check(bench)


def test_a_damaged_run_is_not_adopted(bench: Bench) -> None:
    send(bench)
    bench.run()
    (run,) = runs(bench)
    bench.store.write(run, bench.store.read(run)[:-1] + b"?")
    bench.store.delete(f"{CHUNKS}/play.txt/chunk_0000")
    send(bench)
    bench.run()
    assert len(bench.compute.orders) == 2
    check(bench)


def test_chunks_whose_hash_nobody_told_are_compressed_together_too(bench: Bench) -> None:
    send(bench)
    (name,) = [entry.name for entry in bench.store.list("inbox") if entry.name.endswith(".json")]
    manifest = bench.json(f"inbox/{name}")
    for chunk in manifest["files"][0]["chunks"]:
        del chunk["hash"]
    bench.store.write(f"inbox/{name}", json.dumps(manifest).encode())
    bench.run()
    assert methods(bench) == {"solid_slice_v1"}
    check(bench)


def test_the_same_file_twice_makes_the_same_run(tmp_path: Path) -> None:
    found = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        bench = Bench(folder, worker=f"w{number}", solid=True)
        send(bench)
        bench.run()
        found.append((runs(bench), bench.store.read(runs(bench)[0])))
        bench.stopping.set()
        bench.close()
    assert found[0] == found[1]
