"""Build the report: a page for every executed notebook and an index, static and self-contained.

`python -m musclelib report SCALE FOLDER REPORTS DOCS NOTEBOOK...`: FOLDER holds the stores of
that scale, and below `report/` the figures, tables and movies; REPORTS gets the pages. What else is
in REPORTS stays.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
import shutil
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import latex2mathml.converter
import mistune
import nbformat
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from musclelib.files import clear, marked
from musclelib.study import reference
from musclelib.study.manifest import ReportError, take_over
from musclelib.study.run import provenance

_LABELS = {"injected-parameters": "parameters of this run", "parameters": "default parameters"}
_KINDS = ("figures", "tables", "movies")


class Page(NamedTuple):
    """One page of the report."""

    name: str  # file name without ending
    title: str
    lead: str  # its first paragraph, as HTML
    body: str  # HTML
    meta: dict[str, Any]  # provenance
    highlights: tuple[str, ...] = ()  # what the first page shows of it, as HTML
    chapter: str = "Steps"  # the part of the report that it is in


def _mathml(text: str, *, display: str) -> str:
    return latex2mathml.converter.convert(text, display=display)


def _markdown(text: str) -> str:
    """Render markdown, with equations as MathML, which a browser draws without any script."""
    renderer = mistune.HTMLRenderer(escape=False)
    markdown = mistune.Markdown(
        renderer, plugins=[mistune.plugins.import_plugin(name) for name in ("math", "table")]
    )
    renderer.register("inline_math", lambda _, text: _mathml(text, display="inline"))
    renderer.register(
        "block_math",
        lambda _, text: f'<div class="scroll">{_mathml(text.strip(), display="block")}</div>',
    )
    return str(markdown(text))


def _output(output: Any) -> str:
    """Return one output of a cell as HTML.

    Progress bars and warnings (stderr) stay in the notebook.
    """
    kind = output["output_type"]
    if kind == "stream":
        return f"<pre>{html.escape(output['text'])}</pre>" if output["name"] == "stdout" else ""
    data = output["data"]
    if any("holoviews" in kind or "widget" in kind for kind in data) or "<script" in data.get(
        "text/html", ""
    ):
        return ""  # what the plotting library loads into a notebook, and progress bars
    if "text/html" in data:
        return f'<div class="scroll">{data["text/html"]}</div>'
    return f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"


def _cell(cell: Any) -> str:
    if cell.cell_type == "markdown":
        return _markdown(cell.source)
    code = highlight(cell.source, PythonLexer(), HtmlFormatter(nowrap=True))
    shown = "".join(_output(output) for output in cell.outputs)
    tags = cell.metadata.get("tags", [])
    label = next((name for tag, name in _LABELS.items() if tag in tags), "code")
    return f'<details><summary>{label}</summary><pre class="code">{code}</pre></details>{shown}'


def read_page(path: Path) -> Page:
    """Turn an executed notebook into a page.

    One that a missing recording ended says so, and shows its goal alone.

    Raises
    ------
    ReportError
        It is no executed notebook, or damaged.
    """
    try:
        return _page(path)
    except Exception as error:  # damage surfaces as whatever its reader raises
        said = " ".join(str(error).split())[:200]
        raise ReportError(
            f"{path}: cannot be read as an executed notebook ({said}); run its step again"
        ) from error


def _page(path: Path) -> Page:
    notebook: Any = nbformat.read(path, as_version=4)
    meta = dict(notebook.metadata.get("musclelib", {}))
    highlights: list[str] = []
    if meta.get("missing"):
        body = (
            _markdown(notebook.cells[0].source)
            + f'<p class="missing">{html.escape(meta["missing"])}</p>'
        )
    else:
        body = "\n".join(map(_cell, notebook.cells))
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        highlights = [
            output["data"]["text/html"]
            for output in outputs
            if output.get("metadata", {}).get("musclelib", {}).get("highlight")
        ]
    head = notebook.cells[0].source.split("\n\n")
    title = head[0].lstrip("# ").strip()
    lead = _markdown(head[1]) if len(head) > 1 else ""
    return Page(path.stem, title, lead, body, meta, tuple(highlights))


def _text(path: Path, docs: Path) -> Page:
    """Turn a text of `docs` into a page, with links to the pages and results of the report."""

    def link(match: re.Match[str]) -> str:
        target = Path(os.path.relpath(path.parent / match[1], docs))
        if target.parts[:2] == ("..", "reports"):
            return f"]({Path(*target.parts[2:])}"
        if target.suffix == ".md" and target.parts[0] != "..":
            return f"]({_page_name(target)}.html"
        return match[0]

    text = path.read_text()
    title = text.partition("\n")[0].removeprefix("# ")
    body = _markdown(re.sub(r"\]\((?!\w+:)([^)#]+)", link, text))
    return Page(_page_name(path.relative_to(docs)), title, "", body, {}, (), "Texts")


def _page_name(text: Path) -> str:
    return text.with_suffix("").as_posix().replace("/", "-")


def digest(store: Path) -> str:
    """Return the SHA-256 of a store: of the names and bytes of its files, in order."""
    total = hashlib.sha256()
    for path in sorted(path for path in store.rglob("*") if path.is_file()):
        total.update(
            path.relative_to(store).as_posix().encode()
            + b"\0"
            + hashlib.sha256(path.read_bytes()).digest()
        )
    return total.hexdigest()


def build(scale: str, folder: Path, reports: Path, notebooks: list[Path], docs: Path) -> None:
    """Write `reports/index.html`, a page for each notebook and text of `docs`, and the reference.

    The text `docs/index.md` begins the first page. Figures, tables and movies are copied.

    All is made beside first, then moved in place of the last report; other files in `reports` stay
    as they are.

    Raises
    ------
    ReportError
        A notebook is damaged, or something that is not of the last report is in the way. The last
        report stays.
    """
    if reports.exists() and not reports.is_dir():
        raise ReportError(f"{reports}: is a file; name a folder")
    pages = [read_page(path) for path in notebooks]
    titles = [page.title for page in pages]
    pages = [  # a notebook that ran twice has its case in the name: 01_import_disk
        (
            page._replace(title=f"{page.title}: {page.name.rsplit('_', 1)[1]}")
            if titles.count(page.title) > 1
            else page
        )
        for page in pages
    ]
    pages += [_text(path, docs) for path in sorted(docs.rglob("*.md"))]
    package = reference.body(Path(str(resources.files("musclelib"))))
    title = "Modules, classes and functions"
    pages.append(Page("reference", title, "", f"<h1>{title}</h1>{package}", {}, (), "Reference"))
    new = reports / ".report.musclelib"
    clear(new)
    try:
        _make(scale, folder, pages, docs, marked(new) / "report")
        take_over(new / "report", reports)
    finally:
        clear(new)


def _make(scale: str, folder: Path, pages: list[Page], docs: Path, new: Path) -> None:
    for kind in _KINDS:
        if (folder / "report" / kind).is_dir():
            shutil.copytree(
                folder / "report" / kind, new / kind, ignore=shutil.ignore_patterns(".*")
            )
    new.mkdir(exist_ok=True)
    for picture in docs.glob("*.svg"):
        shutil.copy(picture, new)
    stores = {path.name: digest(path) for path in sorted(folder.glob("*.zarr"))}
    package = resources.files("musclelib.study")
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (package / "page.html.j2").read_text()
    )
    style = Markup((package / "style.css").read_text() + HtmlFormatter().get_style_defs(".code"))
    first, *others = sorted(pages, key=lambda page: page.name != "index")
    common = {"pages": others, "scale": scale, "style": style}
    for page in others:
        content = template.render(
            body=Markup(page.body),
            meta={**provenance(), **page.meta},
            name=page.name,
            title=page.title,
            **common,
        )
        (new / f"{page.name}.html").write_text(content)
    index = template.render(
        body=Markup(first.body + _index(others)),
        meta={
            **provenance(),
            "stores": stores,
            "seconds": sum(page.meta.get("seconds", 0) for page in pages),
        },
        name="index",
        title=first.title,
        **common,
    )
    (new / "index.html").write_text(index)


def _index(pages: list[Page]) -> str:
    """Return what follows the words of the first page: highlights, then the steps."""
    parts = [
        f'<section><h2><a href="{page.name}.html">{page.title}</a></h2>{"".join(page.highlights)}'
        "</section>"
        for page in pages
        if page.highlights
    ]
    steps = "".join(
        f'<li><a href="{page.name}.html">{page.title}</a>'
        + (
            f' <strong class="missing">{html.escape(page.meta["missing"])}</strong>'
            if page.meta.get("missing")
            else ""
        )
        + page.lead
        + "</li>"
        for page in pages
        if page.chapter == "Steps"
    )
    return f'{"".join(parts)}<section><h2>The steps</h2><ol class="steps">{steps}</ol></section>'


def main(scale: str, folder: Path, reports: Path, notebooks: Sequence[Path], docs: Path) -> None:
    """Build the report for the command line; a failure is one line and a non-zero exit."""
    try:
        build(scale, folder, reports, list(notebooks), docs)
    except (ReportError, OSError) as error:
        sys.exit(f"no report was built: {error}")
