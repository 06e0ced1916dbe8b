"""Keep the last demo run's main results beside the README, and its numbers in it.

`python -m musclelib.study.readme REPORTS README BENCHMARKS` copies what `KEPT` names to
`REPORTS/demo`, and writes the tables between their marks in the README. No number in there is
typed.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from pathlib import Path

import pandas as pd

from musclelib.study.present import mean_and_sd

KEPT = {
    "figures": (
        "simulated_sequence.png",
        "simulated_variance_map.png",
        "simulated_twitch_trains.png",
        "disk_velocity.png",
        "in_vivo_sequence.png",
        "in_vivo_variance.png",
        "translation_maps.png",
    ),
    "tables": (
        "comparison.csv",
        "consistency.csv",
        "disk_fit.csv",
        "in_vivo_agreement.csv",
        "simulated_statistics.csv",
        "translation.csv",
        "video_signals.csv",
    ),
}
"""What is committed: small, and nothing made of recordings that may not be passed on."""


def keep(reports: Path) -> None:
    """Copy the main figures and tables of a demo run."""
    for kind, names in KEPT.items():
        (reports / "demo" / kind).mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(reports / kind / name, reports / "demo" / kind / name)


def benchmark_table(path: Path) -> pd.DataFrame:
    """Return one row for each benchmark of pytest-benchmark's JSON: best time [s] and what it measured beside."""
    found = json.loads(path.read_text())["benchmarks"]
    rows = [
        (
            item["name"].removeprefix("test_"),
            item["stats"]["min"],
            ", ".join(
                f"{key.replace('_', ' ')} {value}" for key, value in item["extra_info"].items()
            ),
        )
        for item in found
    ]
    return pd.DataFrame(rows, columns=["Benchmark", "Best time [s]", "Measured"]).set_index(
        "Benchmark"
    )


def fill(readme: str, tables: Path) -> str:
    """Return the README with every table between `<!-- table NAME -->` and `<!-- end -->` as in `tables/NAME.csv`.

    Raises
    ------
    FileNotFoundError
        A table that the README names is not there.
    """

    def table(match: re.Match[str]) -> str:
        frame = mean_and_sd(pd.read_csv(tables / f"{match[1]}.csv"), 2).astype(object)
        rows = [frame.columns, ["---"] * frame.shape[1], *frame.map(_cell).to_numpy()]
        lines = "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
        return f"<!-- table {match[1]} -->\n{lines}\n<!-- end -->"

    return re.sub(r"<!-- table (\w+) -->.*?<!-- end -->", table, readme, flags=re.DOTALL)


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Take over the results of the last demo run and of the last benchmarks.

    The report of another scale is refused.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("reports", "readme", "benchmarks"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    if "<span>demo scale</span>" not in (arguments.reports / "index.html").read_text():
        sys.exit(
            f"{arguments.reports}/index.html is not of a demo run; first: make study SCALE=demo"
        )
    keep(arguments.reports)
    tables = arguments.reports / "demo" / "tables"
    if arguments.benchmarks.is_file():
        benchmark_table(arguments.benchmarks).to_csv(tables / "benchmarks.csv", lineterminator="\n")
    arguments.readme.write_text(fill(arguments.readme.read_text(), tables))


if __name__ == "__main__":
    main()
