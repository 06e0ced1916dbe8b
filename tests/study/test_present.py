import base64
import html
import re
from xml.etree import ElementTree

import cv2
import holoviews as hv
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from musclelib.study import Presenter, present

CAPTION = 'Notice 1 < 2 & "both"'
ALT = "A line that 'rises' & <ends>"


@pytest.fixture
def show(tmp_path):
    return Presenter(tmp_path)


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """What was displayed, as HTML."""
    found = []
    monkeypatch.setattr(present, "display", lambda html, **_: found.append(html.data))
    return found


def _curve():
    return hv.Curve(([0.0, 1.0, 2.0], [0.0, 3.0, 1.0]), hv.Dimension("Time", unit="s"), "Velocity")


def _drawn():
    figure, axes = plt.subplots()
    axes.fill_between([0, 1], [1, 2], hatch="/")  # clip paths and hatches have identifiers in SVG
    return figure


def _frames():
    time = np.arange(12)[:, None, None]
    return np.sin(time / 3 + np.linspace(0, 3, 20)) * np.ones((1, 10, 1))


def _parts(shown, name):
    """The single item displayed: the figure, its caption in words, and the files that it links."""
    (html,) = shown
    soup = BeautifulSoup(html, "html.parser")
    (figure,) = soup.find_all("figure")
    assert figure["id"] == name
    links = [link["href"] for link in figure.figcaption.find_all("a")]
    assert all(link.has_attr("download") for link in figure.figcaption.find_all("a"))
    figure.figcaption.span.extract()
    return figure, figure.figcaption.get_text().strip(), links


@pytest.mark.parametrize("draw", [_curve, _drawn])
def test_a_figure_is_shown_and_kept(show, shown, tmp_path, draw):
    # else a cell's last line showed it twice
    assert show.figure(draw(), "one", caption=CAPTION, alt=ALT) is None
    figure, caption, links = _parts(shown, "one")
    assert caption == CAPTION
    assert figure.img["alt"] == ALT
    assert links == ["figures/one.svg", "figures/one.png"]
    picture = (tmp_path / "figures" / "one.png").read_bytes()
    assert figure.img["src"] == "data:image/png;base64," + base64.b64encode(picture).decode()
    assert min(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape[:2]) > 100
    assert "<svg" in (tmp_path / "figures" / "one.svg").read_text()
    assert not plt.get_fignums()  # nothing is left open that the notebook would show again


def test_the_words_of_a_figure_stay_words_in_svg(show, tmp_path):
    show.figure(_curve(), "one", caption=CAPTION, alt=ALT)
    assert "Velocity" in ElementTree.parse(tmp_path / "figures" / "one.svg").getroot().itertext()


@pytest.mark.parametrize("draw", [_curve, _drawn])
def test_the_same_drawing_gives_the_same_bytes(tmp_path, draw):
    kept = []
    for folder in ("first", "second"):
        Presenter(tmp_path / folder).figure(draw(), "one", caption="", alt="")
        kept.append(
            {path.name: path.read_bytes() for path in (tmp_path / folder / "figures").iterdir()}
        )
    assert sorted(kept[0]) == ["one.png", "one.svg"]
    assert kept[0] == kept[1]


def test_a_table_keeps_every_digit(show, shown, tmp_path):
    frame = pd.DataFrame(
        {"r": [1 / 3, np.nan], "name": ["a < b", "c, d"], "count": [1, 2]}, index=["x", "y"]
    )
    frame.index.name = "Set"
    show.table(frame, "numbers", caption=CAPTION, digits=3)
    figure, caption, links = _parts(shown, "numbers-table")
    assert caption == CAPTION
    assert links == ["tables/numbers.csv"]
    read = pd.read_csv(tmp_path / "tables" / "numbers.csv", index_col="Set")
    pd.testing.assert_frame_equal(read, frame, check_exact=True)
    cells = [
        [cell.get_text() for cell in row.find_all("td")] for row in figure.tbody.find_all("tr")
    ]
    assert cells == [["0.333", "a < b", "1"], ["–", "c, d", "2"]]
    assert b"\r" not in (tmp_path / "tables" / "numbers.csv").read_bytes()


def test_a_movie_decodes(show, shown, tmp_path):
    show.movie(_frames(), "film", rate=25.0, limit=1.0, caption=CAPTION, alt=ALT)
    figure, caption, links = _parts(shown, "film")
    assert caption == CAPTION
    assert figure.video["aria-label"] == ALT
    assert links == ["movies/film.webm"]
    assert [path.name for path in (tmp_path / "movies").iterdir()] == ["film.webm"]  # no part of it
    data = (tmp_path / "movies" / "film.webm").read_bytes()
    assert figure.video["src"] == "data:video/webm;base64," + base64.b64encode(data).decode()
    film = cv2.VideoCapture(str(tmp_path / "movies" / "film.webm"))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(25)
    frames = []
    while (read := film.read())[0]:
        frames.append(read[1])
    assert len(frames) == 12
    assert frames[0].shape == (30, 60, 3)
    assert int(figure.video["width"]) == 60


def test_the_colours_of_a_movie_say_the_sign(show, tmp_path):
    """Positive is red and negative blue; beyond the limit the colour is that of the limit."""
    frames = np.zeros((4, 16, 32))
    frames[:, :, :16], frames[:, :, 16:] = 5.0, -5.0
    show.movie(frames, "film", rate=10.0, limit=1.0, caption="", alt="")
    _, frame = cv2.VideoCapture(str(tmp_path / "movies" / "film.webm")).read()
    blue, _, red = frame[4:-4, 4:40].astype(int).mean((0, 1))
    assert red > blue + 50
    blue, _, red = frame[4:-4, 56:-4].astype(int).mean((0, 1))
    assert blue > red + 50


def test_a_coloured_movie_keeps_its_colours(show, tmp_path):
    frames = np.zeros((3, 16, 32, 3), np.uint8)
    frames[..., 0] = 220
    show.movie(frames, "film", rate=10.0, caption="", alt="")
    _, frame = cv2.VideoCapture(str(tmp_path / "movies" / "film.webm")).read()
    blue, green, red = frame.astype(int).mean((0, 1))
    assert red > 180
    assert max(blue, green) < 60


def test_text_cannot_leave_its_attribute(show, shown):
    show.figure(_curve(), "one", caption="<script>1</script>", alt='" onerror="1')
    assert "<script" not in shown[0]
    assert re.search(r'alt="([^"]*)"', shown[0])[1] == html.escape('" onerror="1')


def test_a_table_shows_mean_and_sd_in_one_column(show, shown, tmp_path):
    frame = pd.DataFrame(
        {"Corr mean": [0.126], "Corr SD": [0.5], "N": [3], "lag mean": [1.5]}, index=["x"]
    )
    show.table(frame, "numbers", caption=CAPTION)
    figure, _, _ = _parts(shown, "numbers-table")
    assert [cell.get_text() for cell in figure.thead.find_all("th")] == [
        "",
        "Corr",
        "N",
        "lag mean",
    ]
    assert [cell.get_text() for cell in figure.tbody.find_all("td")] == ["0.13 (0.50)", "3", "1.50"]
    kept = pd.read_csv(tmp_path / "tables" / "numbers.csv", index_col=0)
    pd.testing.assert_frame_equal(kept, frame, check_exact=True)


def test_marks_for_the_first_page_and_for_the_readme_are_with_the_output(show, monkeypatch):
    """The report and `make record` read them in the executed notebook."""
    kept = []
    monkeypatch.setattr(present, "display", lambda _, metadata: kept.append(metadata["musclelib"]))
    frame = pd.DataFrame({"a": [1]})
    show.figure(_curve(), "one", caption=CAPTION, alt=ALT, highlight=True)
    show.table(frame, "two", caption=CAPTION, readme=True)
    show.table(frame, "three", caption=CAPTION)
    assert [(mark["highlight"], mark["readme"]) for mark in kept] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert [mark["files"] for mark in kept] == [
        ["figures/one.svg", "figures/one.png"],
        ["tables/two.csv"],
        ["tables/three.csv"],
    ]


def test_files_of_a_user_beside_a_movie_stay(show, tmp_path):
    (tmp_path / "movies").mkdir()
    (tmp_path / "movies" / "part-film.webm").write_text("mine")
    show.movie(_frames(), "film", rate=25.0, limit=1.0, caption=CAPTION, alt=ALT)
    assert (tmp_path / "movies" / "part-film.webm").read_text() == "mine"
    assert sorted(path.name for path in (tmp_path / "movies").iterdir()) == [
        "film.webm",
        "part-film.webm",
    ]
