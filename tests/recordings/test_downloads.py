from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from musclelib.recordings import downloads

CONTENT = b"twelve bytes"
NAME = "folder/a recording.bin"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A registry of two files on a server of this machine, an empty cache and no mirror."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "1.bin").write_bytes(CONTENT)
    (source / "2.bin").write_bytes(CONTENT[::-1])
    handler = partial(SimpleHTTPRequestHandler, directory=str(source))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        entries = {
            NAME: downloads.Entry(hashlib.sha256(CONTENT).hexdigest(), f"{url}/1.bin"),
            "folder/sub/other.bin": downloads.Entry(
                hashlib.sha256(CONTENT[::-1]).hexdigest(), f"{url}/2.bin"
            ),
        }
        monkeypatch.setattr(downloads, "registry", lambda: entries)
        monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
        monkeypatch.delenv(downloads.MIRROR, raising=False)
        yield source
        server.shutdown()


def test_registry_lists_checksums_and_urls() -> None:
    entries = downloads.registry()
    assert "plane_wave_muscle_rf/rf_dataset.hdf5" in entries
    assert all(re.fullmatch("[0-9a-f]{64}", entry.sha256) for entry in entries.values())
    assert all(entry.url.startswith("https://") for entry in entries.values())


def test_fetch_downloads_once_and_says_so(served: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = downloads.fetch(NAME)
    assert path.read_bytes() == CONTENT
    announced = capsys.readouterr().out
    assert NAME in announced
    assert downloads.registry()[NAME].url in announced
    shutil.rmtree(served)
    assert downloads.fetch(NAME) == path
    assert capsys.readouterr().out == ""


def test_damaged_cache_is_replaced(served: Path) -> None:
    path = downloads.fetch(NAME)
    path.write_bytes(b"damaged")
    assert downloads.fetch(NAME).read_bytes() == CONTENT


def test_fetch_folder_brings_every_file(served: Path) -> None:
    folder = downloads.fetch_folder("folder/")
    assert {path.name for path in folder.rglob("*.bin")} == {"a recording.bin", "other.bin"}
    assert folder.name == "folder"
    assert downloads.fetch_folder("folder/sub") == folder / "sub"


def test_changed_source_is_refused_and_not_kept(served: Path, tmp_path: Path) -> None:
    (served / "1.bin").write_bytes(b"something else")
    with pytest.raises(
        ConnectionError, match=r"did not serve the registered folder/a recording.bin"
    ):
        downloads.fetch(NAME)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_removed_source_names_the_way_out(served: Path) -> None:
    (served / "1.bin").unlink()
    with pytest.raises(ConnectionError, match="HTTPError"):
        downloads.fetch(NAME)


def test_offline_message_says_what_to_do_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "http://127.0.0.1:1/recording.bin"
    monkeypatch.setattr(downloads, "registry", lambda: {NAME: downloads.Entry("0" * 64, url)})
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path)
    monkeypatch.delenv(downloads.MIRROR, raising=False)
    with pytest.raises(ConnectionError) as error:
        downloads.fetch(NAME)
    message = str(error.value)
    assert "\n" not in message
    assert all(part in message for part in (NAME, url, str(tmp_path / NAME), downloads.MIRROR))


def test_mirror_is_used_alone(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    monkeypatch.setenv(downloads.MIRROR, str(mirror))
    with pytest.raises(FileNotFoundError, match=downloads.MIRROR):
        downloads.fetch(NAME)
    (mirror / "folder").mkdir(parents=True)
    (mirror / NAME).write_bytes(CONTENT)
    assert downloads.fetch(NAME) == mirror / NAME
    (mirror / NAME).write_bytes(CONTENT + b"!")
    with pytest.raises(ValueError, match="SHA-256"):
        downloads.fetch(NAME)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "name", ["../x", "gm_torque_angle/../../x", "/etc/hosts", "..\\x", "C:\\x"]
)
@pytest.mark.parametrize("take", [downloads.fetch, downloads.fetch_folder])
def test_names_that_leave_the_folder_are_refused(take: object, name: str) -> None:
    with pytest.raises(ValueError, match="leaves the data folder"):
        take(name)  # type: ignore[operator]


def test_unknown_names_show_close_ones() -> None:
    with pytest.raises(ValueError, match=r"close are .*gm_torque_angle/p6_params.mat"):
        downloads.fetch("gm_torque_angle/p6_param.mat")
    with pytest.raises(ValueError, match=r"close are .*longitudinal_bmode/apo_images"):
        downloads.fetch_folder("longitudinal_bmode/apo_image")


def test_real_folder(recording: object) -> None:
    folder = downloads.fetch_folder("transverse_bmode/images")
    assert len(list(folder.iterdir())) == 11
