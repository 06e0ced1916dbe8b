"""Tables of a run that survive its resumption, and early warnings of diverging losses."""

from __future__ import annotations

import csv
import statistics
import warnings
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path

from musclelib.files import whole
from musclelib.training.checkpoint import TrainingError

_WINDOW, _YOUNG = 200, 20  # number of steps of the running median, and the smallest number
_FLOOR = 0.05  # smallest median: ten times the tiny loss of a winning discriminator is harmless


class Table:
    """A CSV table with a row for each step; rows after `step`, where a run resumes, are dropped."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        if path.exists() and not b"step,".startswith(path.read_bytes()[:5]):
            raise TrainingError(
                f"{path}: is there, and no table of a run; choose another folder, or move it"
                " elsewhere"
            )
        rows = list(csv.DictReader(path.open(newline=""))) if step and path.exists() else []
        # a killed run may leave half a row
        rows = [row for row in rows if None not in row.values() and int(row["step"]) <= step]
        self.columns = list(rows[0]) if rows else []
        with whole(path) as new, new.open("w", newline="") as file:
            if rows:
                writer = csv.DictWriter(file, self.columns)
                writer.writeheader()
                writer.writerows(rows)

    def add(self, row: Mapping[str, float]) -> None:
        """Append one row; the first row determines the columns, which later rows may leave empty.

        Raises
        ------
        TrainingError
            A row has a column that the first one has not.
        """
        new = not self.columns
        self.columns = self.columns or list(row)
        unknown = [name for name in row if name not in self.columns]
        if unknown:
            raise TrainingError(
                f"{self.path}: step {row['step']} has a value {unknown[0]!r} that the first row has"
                " not; every turn and review must name its values alike"
            )
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, self.columns, restval="")
            if new:
                writer.writeheader()
            writer.writerow(row)


class Watch:
    """Warns, once for each loss, of a value far above the running median."""

    def __init__(self) -> None:
        self.seen: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_WINDOW))
        self.warned: set[str] = set()

    def losses(self, step: int, values: Mapping[str, float]) -> None:
        """Compare the losses of one step with their medians."""
        for name, value in values.items():
            seen = self.seen[name]
            middle = max(statistics.median(seen), _FLOOR) if len(seen) >= _YOUNG else value
            if value > 10 * middle and name not in self.warned:
                self.warned.add(name)
                warnings.warn(
                    f"step {step}: the loss {name!r} is {value:.3g}, more than 10 times its running"
                    f" median {middle:.3g}; the run may be diverging, a lower rate helps",
                    stacklevel=2,
                )
            seen.append(value)
