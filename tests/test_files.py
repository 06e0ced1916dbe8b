import os
import signal
import subprocess
import sys

import pytest

from musclelib.files import MARK, clear, marked, whole

KILLED = """
import os, signal, sys
from musclelib.files import whole
with whole(sys.argv[1]) as new:
    new.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def _write(path, text="new"):
    with whole(path) as new:
        new.write_text(text)


def test_a_file_appears_whole_and_nothing_is_left_beside(tmp_path):
    _write(tmp_path / "made" / "a.txt")
    _write(tmp_path / "made" / "a.txt", "newer")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["a.txt"]
    assert (tmp_path / "made" / "a.txt").read_text() == "newer"


def test_a_folder_appears_whole_and_replaces_an_empty_one_alone(tmp_path):
    for _ in range(2):
        with whole(tmp_path / "a") as new:
            assert new.name == "a"
            new.mkdir()
        assert [path.name for path in tmp_path.iterdir()] == ["a"]
    (tmp_path / "a" / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="not empty"), whole(tmp_path / "a") as new:
        new.mkdir()
    assert (tmp_path / "a" / "mine.txt").read_text() == "mine"


def test_an_error_leaves_what_was_there(tmp_path):
    _write(tmp_path / "a.txt", "old")

    def stops():
        with whole(tmp_path / "a.txt") as new:
            new.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stops()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]


def test_a_kill_leaves_what_was_there_and_the_same_call_finishes(tmp_path):
    _write(tmp_path / "a.txt", "old")
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "a.txt"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a.txt").read_text() == "old"
    _write(tmp_path / "a.txt")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "new")]


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "there" / "a.txt")
    _write(tmp_path / "link.txt")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "there" / "a.txt").read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "link.txt", "there"]


@pytest.mark.parametrize(
    "name", ["a.txt.partial", "a.txt.part", "a.txt.removed", "part-a.txt", ".a.txt"]
)
def test_names_that_sound_temporary_are_a_users(tmp_path, name):
    (tmp_path / name).write_text("mine")
    (tmp_path / f"folder-{name}").mkdir()
    _write(tmp_path / "a.txt")
    assert (tmp_path / name).read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [name, f"folder-{name}", "a.txt"]
    )


def test_a_folder_without_the_mark_is_never_removed(tmp_path):
    mine = tmp_path / ".a.txt.musclelib"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years")
    with pytest.raises(
        FileExistsError,
        match=r"\.a\.txt\.musclelib: a folder that is not of musclelib is in the way",
    ):
        _write(tmp_path / "a.txt")
    clear(mine)
    assert [(path.name, path.read_text()) for path in mine.iterdir()] == [("thesis.txt", "years")]
    assert not (tmp_path / "a.txt").exists()


def test_what_a_link_in_a_marked_folder_points_to_stays(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    folder = marked(tmp_path / "folder")
    (folder / "link").symlink_to(tmp_path / "mine")
    (folder / "below").mkdir()
    (folder / "below" / "link").symlink_to(tmp_path / "mine")
    clear(folder)
    assert not folder.exists()
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"


def test_the_mark_goes_last(tmp_path, monkeypatch):
    """A kill in the middle of it leaves a folder that is cleared the next time."""
    folder = marked(tmp_path / "folder")
    for name in "abc":
        (folder / name).write_text("")
    seen, unlink = [], os.unlink

    def remembers(path, *arguments, **options):
        seen.append(os.path.basename(path))
        unlink(path, *arguments, **options)

    monkeypatch.setattr(os, "unlink", remembers)
    clear(folder)
    assert sorted(seen[:-1]) == ["a", "b", "c"]
    assert seen[-1] == MARK
