"""The folder of the simulation does what shared folders do."""

from random import Random

import pytest
from fakes.simulation.cloud import Cloud
from fakes.simulation.mount import Mount
from fakes.simulation.versions import Delays

from panini_daemon.storage.errors import NotFound, RootLost, StoreFull, StoreUnavailable

D = 10.0


class Scene:
    """Two mounts of one cloud, and the time."""

    def __init__(self, *, deletes_at_once: bool = False, duplicates: bool = True) -> None:
        self.now = 0.0
        delays = Delays(upload=5.0, longest=D, shortest=6.0, deletes_at_once=deletes_at_once, duplicates=duplicates)
        self.cloud = Cloud(lambda: self.now, Random(3), delays, lambda _path, _data: None)
        self.a, self.b = self.mount("a"), self.mount("b")

    def mount(self, name: str) -> Mount:
        return Mount(self.cloud, self.cloud.view(name), lambda: None, tells=True)

    def names(self, mount: Mount, folder: str = "inbox") -> list[str]:
        try:
            return sorted(entry.name for entry in mount.list(folder))
        except NotFound:
            return []


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_change_shows_at_once_where_it_was_made_and_late_elsewhere(scene: Scene) -> None:
    scene.a.write("inbox/x", b"data")
    assert scene.a.read("inbox/x") == b"data"
    assert scene.names(scene.b) == []
    scene.now = D
    assert scene.b.read("inbox/x") == b"data"


def test_a_name_shows_before_its_content(scene: Scene) -> None:
    scene.a.write("inbox/x", b"data")
    seen = set()
    while scene.now < D:
        scene.now += 0.01
        seen |= {scene.b.read(f"inbox/{name}") for name in scene.names(scene.b)}
    assert seen & {b"", b"da"}
    assert b"data" in seen


def test_what_was_not_uploaded_is_lost_with_its_mount(scene: Scene) -> None:
    scene.a.write("inbox/x", b"old")
    scene.now = D
    scene.a.write("inbox/x", b"new")
    assert scene.a.arrived(["inbox/x"]) is False
    scene.cloud.crash(scene.a.view, lambda: None)
    scene.now = 3 * D
    assert [mount.read("inbox/x") for mount in (scene.a, scene.b)] == [b"old", b"old"]


def test_what_an_ended_mount_kept_lands_over_what_is_newer(scene: Scene) -> None:
    scene.a.write("inbox/x", b"first")
    scene.now = D
    scene.a.write("inbox/x", b"late")
    scene.cloud.crash(scene.a.view, lambda: 5 * D)
    scene.b.write("inbox/x", b"newer")
    scene.now = 3 * D
    assert scene.b.read("inbox/x") == b"newer"
    scene.now = 9 * D
    assert scene.b.read("inbox/x") == b"late"


def test_deletions_can_be_at_the_servers_before_what_was_written_earlier() -> None:
    scene = Scene(deletes_at_once=True)
    scene.a.write("inbox/job", b"x")
    scene.now = D
    scene.a.write("done/job", b"receipt")
    scene.a.delete("inbox/job")
    scene.cloud.crash(scene.a.view, lambda: None)
    scene.now = 3 * D
    assert scene.names(scene.b) == scene.names(scene.b, "done") == []


def test_two_files_of_one_name_show_as_copies(scene: Scene) -> None:
    scene.a.write("inbox/x.json", b"a")
    scene.b.write("inbox/x.json", b"b")
    scene.now = D
    assert scene.names(scene.a) == ["x (1).json", "x.json"]
    assert (scene.b.read("inbox/x.json"), scene.b.read("inbox/x (1).json")) == (b"a", b"b")
    scene.a.delete("inbox/x.json")
    assert scene.a.read("inbox/x.json") == b"b"


def test_where_names_are_unique_the_last_upload_stays() -> None:
    scene = Scene(duplicates=False)
    scene.a.write("inbox/x.json", b"a")
    scene.b.write("inbox/x.json", b"b")
    scene.now = D
    assert scene.names(scene.a) == ["x.json"]
    assert scene.a.read("inbox/x.json") == scene.b.read("inbox/x.json")


def test_a_mount_that_slept_shows_at_first_what_it_showed_before(scene: Scene) -> None:
    scene.cloud.freeze(scene.b.view, 100.0, 5.0)
    scene.a.write("inbox/x", b"data")
    scene.now = 101.0
    assert scene.names(scene.b) == []
    scene.now = 105.0
    assert scene.names(scene.b) == ["x"]


def test_uploads_wait_while_a_machine_sleeps(scene: Scene) -> None:
    scene.a.write("inbox/x", b"data")
    scene.cloud.freeze(scene.a.view, 100.0, 0.0)
    scene.now = 2 * D
    assert scene.names(scene.b) == []
    scene.now = 100 + D
    assert scene.names(scene.b) == ["x"]


def test_a_moved_folder_keeps_its_files(scene: Scene) -> None:
    scene.a.write("inbox/t/1", b"1")
    scene.a.write("inbox/t/2", b"2")
    scene.now = D
    scene.b.move("inbox/t", "failed/t")
    assert scene.names(scene.b, "failed/t") == ["1", "2"]
    scene.now = 2 * D
    assert (scene.names(scene.a, "failed/t"), scene.names(scene.a)) == (["1", "2"], [])


def test_a_mount_that_is_away_or_full_says_so(scene: Scene) -> None:
    scene.a.full = True
    with pytest.raises(StoreFull):
        scene.a.write("inbox/x", b"")
    scene.a.full, scene.a.away = False, True
    with pytest.raises(StoreUnavailable):
        scene.a.list("")
    scene.a.lands = True
    with pytest.raises(StoreUnavailable):
        scene.a.write("inbox/x", b"")
    scene.a.empty = True
    with pytest.raises(RootLost):
        scene.a.read("inbox/x")
    scene.a.away = False
    assert scene.names(scene.a) == ["x"]
