"""The whole study at its smallest scale: executed, interrupted, opened in a browser."""

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml

from musclelib.study.pages import digest

ROOT = Path(__file__).parents[2]
STORES = "data/generated/smoke"
SIMULATION = ("00_tour", "10_simulate", "11_simulated_figures")
RECORDINGS = ("01_import_disk", "01_import_muscle", "02_echo_figures")
RECORDINGS += ("03_import_isometric", "03_import_passive", "04_video_figures")
RECORDINGS += ("45_real_video", "46_own_video", "47_transfer")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
QUIET += ("--disable-component-update", "--disable-sync")
FACTS = """async () => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const started = async (video) => {
    const until = performance.now() + 20000;
    video.muted = true;
    await video.play();
    while (video.currentTime === 0 && performance.now() < until)
        await new Promise((done) => setTimeout(done, 50));
    video.pause();
    return video.readyState >= 2 && video.currentTime > 0;
  };
  const films = [];
  for (const video of all("video")) films.push(await started(video));
  return {
    lang: document.documentElement.lang,
    headings: all("h1").map((heading) => heading.innerText),
    ids: all("[id]").map((element) => element.id),
    links: all("a[href]").map((link) => link.href),
    pictures: all("img").map((image) => image.complete && image.naturalWidth > 0),
    words: all("img").map((image) => image.alt.trim()),
    films: films,
    spoken: all("video").map((video) => video.getAttribute("aria-label").trim()),
    figures: all("figure").length,
    captions: all("figure > figcaption").map((caption) => caption.innerText.trim()),
  };
}"""

# the whole study is run once, on whatever machine
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def _copy(folder):
    """Copy what git has, or would take, of the working tree."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in filter(
        None, subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    ):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def _environment(folder, mirror=None):
    """The package of the copy, and recordings from the mirror alone.

    Without one, from an empty folder.
    """
    (folder / "empty").mkdir(exist_ok=True)
    given = mirror or str(folder / "empty")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    return kept | {"PYTHONPATH": str(folder), "MUSCLELIB_DATA": os.path.abspath(given)}


def _study(folder, *targets, cores=2):
    """The command of `make study`, with this Python, for some targets instead of the report."""
    make = [
        "make",
        "-n",
        "study",
        "SCALE=smoke",
        f"CORES={cores}",
        "SCHEDULER=",
        f"BIN={Path(sys.executable).parent}",
    ]
    printed = subprocess.run(
        make, cwd=folder, env=_environment(folder), check=True, capture_output=True, text=True
    )
    (line,) = [
        line
        for line in printed.stdout.replace("\\\n", " ").splitlines()
        if " -m snakemake " in line
    ]
    python, *rest = shlex.split(line)
    assert rest[:2] == ["-m", "snakemake"]
    return [python, *rest[:2], *(f"{STORES}/steps/{step}.ipynb" for step in targets), *rest[2:]]


def _run(command, folder, mirror=None):
    environment = _environment(folder, mirror)
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def _meta(path):
    return nbformat.read(path, as_version=4).metadata.musclelib


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The copy in which the whole study has been run."""
    folder = _copy(tmp_path_factory.mktemp("study"))
    _run(_study(folder), folder, os.environ.get("MUSCLELIB_DATA"))
    return folder


def _steps(study):
    return sorted((study / STORES / "steps").iterdir())


def test_every_notebook_is_executed_and_has_its_page(study):
    sources = {_meta(path).source for path in _steps(study)}
    assert sources == {path.name for path in (study / "notebooks").glob("*.ipynb")}
    pages = {path.stem for path in (study / "reports").glob("*.html")}
    texts = (
        path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")
    )
    documents = {text.as_posix().replace("/", "-") for text in texts} | {"reference"}
    assert pages == {path.stem for path in _steps(study)} | documents
    for path in _steps(study):
        assert path.stem in RECORDINGS or not _meta(path).missing


def _not_on_one_page(report, pages):
    """Names of kept figures, tables and movies that are not on exactly one of the pages."""
    shown = [
        name for page in pages for name in re.findall(r'<figure id="([^"]*)"', page.read_text())
    ]
    endings = {"figures": ".svg", "tables": ".csv", "movies": ".webm"}
    kept = [path for kind, ending in endings.items() for path in (report / kind).glob(f"*{ending}")]
    named = {path: f"{path.stem}-table" if path.suffix == ".csv" else path.stem for path in kept}
    return sorted(path.name for path, name in named.items() if shown.count(name) != 1)


def test_a_figure_that_is_on_no_page_is_found(tmp_path):
    for name in (
        "figures/a.svg",
        "figures/b.svg",
        "tables/b.csv",
        "tables/a.csv",
        "movies/c.webm",
        "movies/d.webm",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "one.html").write_text(
        '<figure id="a"></figure><figure id="a-table"></figure><figure id="d"></figure>'
    )
    (tmp_path / "two.html").write_text('<figure id="d"></figure><figure class="b"></figure>')
    assert _not_on_one_page(tmp_path, tmp_path.glob("*.html")) == [
        "b.csv",
        "b.svg",
        "c.webm",
        "d.webm",
    ]


def test_every_figure_that_a_step_writes_is_on_its_page(study):
    report = study / STORES / "report"
    assert len(list((report / "figures").glob("*.svg"))) > 30
    assert len(list((report / "tables").glob("*.csv"))) > 10
    pages = [study / "reports" / f"{path.stem}.html" for path in _steps(study)]
    assert _not_on_one_page(report, pages) == []


def test_the_sources_stay_clean(study):
    for path in (study / "notebooks").glob("*.ipynb"):
        assert path.read_bytes() == (ROOT / "notebooks" / path.name).read_bytes()
        assert not any(cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells)


def test_a_second_call_does_nothing(study):
    """Steps without their recordings are tried again, and what waits for them.

    All others stay as they are.
    """
    whole = not any(_meta(path).missing for path in _steps(study))
    steps = [path for path in _steps(study) if whole or path.stem in SIMULATION]
    kept = [*steps, study / "reports" / "index.html"] if whole else steps
    before = [path.stat().st_mtime_ns for path in kept]
    printed = _run(
        _study(study, *() if whole else SIMULATION), study, os.environ.get("MUSCLELIB_DATA")
    )
    assert [path.stat().st_mtime_ns for path in kept] == before
    assert "Nothing to be done" in printed


@pytest.fixture(scope="module")
def opened(study):
    """Facts and complaints of a browser about every page of the report, by name."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        required = os.environ.get("MUSCLELIB_BROWSER") == "required"
        (pytest.fail if required else pytest.skip)(
            f"there is no browser: none of {', '.join(BROWSERS)} is installed"
        )
    from playwright.sync_api import sync_playwright

    found = {}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(QUIET))
        for path in sorted((study / "reports").glob("*.html")):
            page = chromium.new_page(viewport={"width": 1300, "height": 900})
            complaints, requests = [], []
            page.on(
                "console",
                lambda message, to=complaints: to.append(f"{message.type}: {message.text}"),
            )
            page.on("pageerror", lambda error, to=complaints: to.append(str(error)))
            page.on(
                "requestfailed",
                lambda request, to=complaints: to.append(f"failed: {request.url[:80]}"),
            )
            page.on("request", lambda request, to=requests: to.append(request.url))
            page.goto(path.as_uri(), wait_until="load")
            facts = page.evaluate(FACTS)
            for width in (1300, 400):
                page.set_viewport_size({"width": width, "height": 900})
                facts[width] = page.evaluate("document.documentElement.scrollWidth")
            found[path.name] = facts | {"complaints": complaints, "requests": requests}
            page.close()
        chromium.close()
    return found


def test_pages_open_without_a_complaint_or_another_host(opened):
    for name, facts in opened.items():
        assert facts["complaints"] == [], name
        assert facts["requests"], name
        others = [url for url in facts["requests"] if not url.startswith(("file:", "data:"))]
        assert others == [], name


def test_pictures_and_films_are_shown(study, opened):
    for name, facts in opened.items():
        assert all(facts["pictures"]), name
        assert all(facts["films"]), name
    assert len(opened["11_simulated_figures.html"]["pictures"]) >= 3
    assert opened["11_simulated_figures.html"]["films"] == [True]
    assert opened["index.html"]["pictures"]
    if not _meta(study / STORES / "steps" / "04_video_figures.ipynb").missing:
        assert opened["04_video_figures.html"]["films"] == [True]


def test_pictures_and_films_are_said_in_words(opened):
    for name, facts in opened.items():
        assert all(facts["words"]), name
        assert all(facts["spoken"]), name
        assert len(facts["captions"]) == facts["figures"], name
        assert all(facts["captions"]), name


def test_every_link_leads_somewhere(study, opened):
    count = 0
    for name, facts in opened.items():
        for link in facts["links"]:
            parts = urlsplit(link)
            target = Path(unquote(parts.path))
            assert parts.scheme == "file", f"{name}: {link}"
            assert target.is_file(), f"{name}: {link}"
            assert target.is_relative_to(study / "reports"), f"{name}: {link}"
            if parts.fragment:
                assert unquote(parts.fragment) in opened[target.name]["ids"], f"{name}: {link}"
            count += 1
    assert count > len(opened) ** 2  # the pages alone link to one another


def test_the_structure_and_width_of_pages(opened):
    for name, facts in opened.items():
        assert facts["lang"] == "en", name
        assert len(facts["headings"]) == 1, name
        # xarray's, with every dataset shown
        ids = [name for name in facts["ids"] if not name.startswith("icon-")]
        assert len(ids) == len(set(ids)), name
        assert facts[1300] <= 1300, name
        assert facts[400] <= 400, name


def test_a_damaged_step_leaves_the_last_report_whole(study, tmp_path):
    shutil.copytree(study / "reports", tmp_path / "reports")
    step = study / STORES / "steps" / "00_tour.ipynb"
    whole, times = step.read_bytes(), step.stat()
    step.write_text("{")
    try:
        done = subprocess.run(
            _study(study),
            cwd=study,
            env=_environment(study),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        step.write_bytes(whole)
        os.utime(step, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert done.returncode != 0
    assert "00_tour.ipynb: cannot be read as an executed notebook" in done.stdout + done.stderr
    assert _bytes(study / "reports") == _bytes(tmp_path / "reports")


def _bytes(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


DESCRIPTION = "config {x} {{y}} & 'one' \"two\" $HOME `id` \\ 100 % Übung 筋\nnext line"


def test_a_description_comes_through_the_workflow_as_it_is(tmp_path):
    folder = _copy(tmp_path)
    given = folder / "notebooks/params/recordings.yaml"
    sections = yaml.safe_load(given.read_text())
    # the step has the defaults of its notebook in all else
    sections.setdefault("03_import_passive", {})["description"] = DESCRIPTION
    given.write_text(yaml.safe_dump(sections, allow_unicode=True))
    _run(_study(folder, "03_import_passive"), folder)  # without the recording: nothing is computed
    step = folder / STORES / "steps/03_import_passive.ipynb"
    assert _meta(step).parameters["description"] == DESCRIPTION
    (cell,) = [
        cell
        for cell in nbformat.read(step, as_version=4).cells
        if "injected-parameters" in cell.metadata.get("tags", [])
    ]
    values = {
        node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(cell.source).body
    }
    assert values["description"] == DESCRIPTION


def test_a_killed_study_is_finished_by_the_same_command(study, tmp_path):
    folder = _copy(tmp_path)
    stores = folder / STORES
    command = _study(folder, "10_simulate")
    running = subprocess.Popen(
        command, cwd=folder, env=_environment(folder), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 120
    while not (stores / "paper1.zarr" / "velocity" / "c").exists():
        assert running.poll() is None
        assert time.monotonic() < until, "the simulation did not begin"
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (stores / "paper2-15.zarr").exists(), "it was killed too late to be in the middle"
    assert not (stores / "steps" / "10_simulate.ipynb").exists()
    _run(command, folder)
    assert (stores / "steps" / "10_simulate.ipynb").exists()
    made = sorted(path.name for path in stores.glob("*.zarr"))
    assert made == [path.name for path in sorted((study / STORES).glob("paper*.zarr"))]
    assert [digest(stores / name) for name in made] == [
        digest(study / STORES / name) for name in made
    ]


def test_without_network_or_mirror_the_pages_say_what_is_missing(tmp_path):
    folder = _copy(tmp_path)
    _run(_study(folder, *RECORDINGS, cores=4), folder)  # nothing is computed
    steps = [f"{STORES}/steps/{step}.ipynb" for step in RECORDINGS]
    report = [
        sys.executable,
        "-m",
        "musclelib",
        "report",
        "smoke",
        STORES,
        "reports",
        "docs",
        *steps,
    ]
    _run(report, folder)
    index = (folder / "reports" / "index.html").read_text()
    for step in RECORDINGS:
        page = (folder / "reports" / f"{step}.html").read_text()
        said = _meta(folder / STORES / "steps" / f"{step}.ipynb").missing
        assert "is not in the folder that MUSCLELIB_DATA names" in said
        assert "put the file from https://" in said
        assert said in page
        assert said in index
        assert "papermill-error" not in page
    assert not (folder / STORES / "report").exists()


def _papermill(folder, notebook, output, *parameters):
    command = [
        sys.executable,
        "-m",
        "papermill",
        f"notebooks/{notebook}.ipynb",
        output,
        "-k",
        "python3",
    ]
    command += ["--cwd", "notebooks", "--no-progress-bar", *parameters]
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )


def _interactive(folder, notebook, output, *parameters):
    """Run a notebook with its widgets; return what they load and show."""
    done = _papermill(folder, notebook, output, "-p", "interactive", "True", *parameters)
    assert done.returncode == 0, done.stderr[-4000:]
    made = nbformat.read(output, as_version=4)
    outputs = [output for cell in made.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    loads = [
        output.data.get("application/vnd.holoviews_load.v0+json", "")
        for output in outputs
        if "data" in output
    ]
    fetched = {urls for load in loads for urls in re.findall(r"js_urls = (\[.*?\]);", load)}
    assert fetched == {"[]"}, "the widgets must work offline: no script of another host"
    return [
        output
        for output in outputs
        if "application/vnd.holoviews_exec.v0+json" in output.get("data", {})
    ]


def test_the_interactive_tour(tmp_path):
    folder, report = _copy(tmp_path), tmp_path / "report"
    assert len(_interactive(folder, "00_tour", tmp_path / "out.ipynb", "-p", "report", report)) >= 3
    assert sorted((report / "figures").glob("tour_*.png"))


def test_the_interactive_page_of_units(study, tmp_path):
    given = {
        "source": study / STORES / "in-vivo-test.zarr",
        "target": tmp_path / "units.zarr",
        "report": tmp_path,
    }
    parameters = [word for name, value in given.items() for word in ("-p", name, value)]
    assert _interactive(study, "33_identify_recording", tmp_path / "out.ipynb", *parameters)
    assert {path.name for path in tmp_path.glob("units*")} == {
        "units.zarr",
        "units-units.csv",
        "units-firings.csv",
    }


def test_plain_papermill_refuses_an_unknown_parameter(tmp_path):
    folder = _copy(tmp_path)
    done = _papermill(
        folder, "10_simulate", tmp_path / "out.ipynb", "-p", "cuont", "4", "-p", "folder", "made"
    )
    assert done.returncode != 0
    assert "ParameterError: " in done.stderr
    assert "has no parameter 'cuont'; allowed are folder, count," in done.stderr
    assert not (folder / "notebooks" / "made").exists()
