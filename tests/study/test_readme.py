from pathlib import Path

import pandas as pd
import pytest

from musclelib.study.readme import KEPT, benchmark_table, fill

ROOT = Path(__file__).parents[2]


def test_the_numbers_of_the_readme_are_those_of_the_tables():
    readme = (ROOT / "README.md").read_text()
    assert readme.count("<!-- table ") >= 4
    assert fill(readme, ROOT / "reports/demo/tables") == readme


@pytest.mark.parametrize("page", ["calibration", "translation", "identification"])
def test_the_numbers_of_the_pages_are_those_of_their_tables(page):
    text = (ROOT / f"docs/{page}.md").read_text()
    assert "<!-- table " in text
    assert fill(text, ROOT / "docs") == text


def test_a_changed_number_is_noticed(tmp_path):
    pd.DataFrame({"a": ["x"], "b": [0.12345]}).to_csv(tmp_path / "t.csv", index=False)
    readme = "before\n<!-- table t -->\n<!-- end -->\nafter"
    filled = fill(readme, tmp_path)
    assert (
        filled
        == "before\n<!-- table t -->\n| a | b |\n| --- | --- |\n| x | 0.123 |\n<!-- end -->\nafter"
    )
    assert fill(filled, tmp_path) == filled
    assert fill(filled.replace("0.123", "0.99"), tmp_path) == filled


def test_a_table_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.csv"):
        fill("<!-- table gone --><!-- end -->", tmp_path)


def test_what_is_kept_is_there_and_shown():
    readme = (ROOT / "README.md").read_text()
    for kind, names in KEPT.items():
        for name in names:
            path = ROOT / "reports/demo" / kind / name
            assert path.is_file()
            assert path.stat().st_size < 400_000
            if kind == "figures":
                assert f"reports/demo/figures/{name}" in readme


def test_benchmarks_become_a_table(tmp_path):
    (tmp_path / "b.json").write_text(
        '{"benchmarks": [{"name": "test_speed", "stats": {"min": 0.5}, "extra_info":'
        ' {"clips_per_s": 7}}]}'
    )
    table = benchmark_table(tmp_path / "b.json")
    assert table.loc["speed"].tolist() == [0.5, "clips per s 7"]
