"""Series of frames with numbers in their names: their order, and the gaps in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

_CLOCK = 10**9
"""Numbers from here on are clock times, such as seconds since 1970, and not a counter."""


def natural_order(text: str) -> list[tuple[int, str]]:
    """Return a sort key that puts `frame_2` before `frame_10`."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"(\d+)", text)
        if part
    ]


def check_series(names: Sequence[str], where: str | Path) -> None:
    """Refuse a numbered series with gaps, whose frames would be taken for successive ones.

    The counter is the last number that is not the same in all names; names that differ from most
    of the others in more than their numbers are ignored. The counter must rise by one from name to
    name wherever the numbers before it stay the same. Clock times are not counters and are
    accepted: numbers of ten or more digits, steps that are not multiples of one another (33, 34,
    33), and numbers that restart where one before them changes, such as milliseconds after seconds,
    unless they mostly rise by one.

    Parameters
    ----------
    names : sequence of str
        The names in natural order, without the endings of files.
    where : str or Path
        The place of the series, for the message.

    Raises
    ------
    ValueError
        A member is missing or exists twice, or the counter rises by more than one.
    """
    series = _alike(names)
    columns = zip(*(numbers for numbers, _ in series), strict=True)
    place = max((place for place, column in enumerate(columns) if len(set(column)) > 1), default=0)
    steps = [
        (after[place] - before[place], one, other)
        for (before, one), (after, other) in pairwise(series)
        if before[:place] == after[:place]
    ]
    if not steps or series[-1][0][place] >= _CLOCK:
        return
    sizes = Counter(step for step, *_ in steps)
    usual = max(sizes, key=lambda step: (sizes[step], -step))
    if usual > 1 and (len(steps) < len(series) - 1 or any(step % usual for step in sizes)):
        return  # a clock
    if usual > 1:
        raise ValueError(
            f"{where}: numbers go up by {usual} ({steps[0][1]}, {steps[0][2]}); if the frames"
            " between were left out, number those that are there 0, 1, 2, ... and give their own"
            " frame rate"
        )
    for step, one, other in steps:
        if step != 1:
            missing = (
                f"{one} is there twice"
                if step == 0
                else f"{other} follows {one}, what is between is missing"
            )
            raise ValueError(
                f"{where}: {missing}; frames must follow one another: mend the series, or take a"
                " part of it"
            )


def _alike(names: Sequence[str]) -> list[tuple[tuple[int, ...], str]]:
    """Return numbers and names of the majority of names that differ only in their numbers."""
    kinds: dict[tuple[str, ...], list[tuple[tuple[int, ...], str]]] = {}
    for name in names:
        parts = re.split(r"(\d+)", name)  # text, number, text, ..., text
        kinds.setdefault(tuple(parts[::2]), []).append((tuple(map(int, parts[1::2])), name))
    largest = max(kinds.values(), key=len)
    return largest if 2 * len(largest) > len(names) else []
