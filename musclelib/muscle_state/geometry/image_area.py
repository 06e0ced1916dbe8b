"""Find the ultrasound image within a screen shot: without margins, text and scales."""

from __future__ import annotations

import cv2
import numpy as np

_BLANK = 0.15  # share of a row that has texture, in rows between text and image


def find_image_area(frames: np.ndarray) -> tuple[int, int, int, int]:
    """Find the rectangle that the ultrasound image fills.

    Margins are even; the image has speckle. Text and rulers have texture too but are thin, so that
    an opening removes them. In a video, one mean image of several frames is used.

    Parameters
    ----------
    frames : ndarray
        Grey values, `(depth, lateral)` or `(time, depth, lateral)`.

    Returns
    -------
    tuple of int
        First row, row behind the last, first column, column behind the last.

    Raises
    ------
    ValueError
        Nothing in the frames looks like an image.
    """
    stack = frames[None] if frames.ndim == 2 else frames[:: max(1, len(frames) // 8)]
    spread = np.mean([_spread(frame.astype(np.float32)) for frame in stack], 0)
    textured = (spread > 0.03 * spread.max()).astype(np.uint8)
    if spread.max() <= 0:
        raise ValueError("the frames are blank: there is no image area to be found")
    gap, thin = max(5, min(spread.shape) // 14), max(5, min(spread.shape) // 9)
    closed = cv2.morphologyEx(textured, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((thin, thin), np.uint8))
    _, labels, sizes, _ = cv2.connectedComponentsWithStats(opened)
    if len(sizes) < 2:
        raise ValueError("no image area found: give it as (top, bottom, left, right)")
    largest = labels == 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax())
    top, bottom = _extent(largest.mean(1))
    left, right = _extent(largest.mean(0))
    # the closing joins a line of text to an image below it, in spite of the blank rows between
    filled = textured[top:bottom, left:right].mean(1) >= _BLANK
    first = _start_of_longest_run(filled, bridge=len(spread) // 50)
    return top + first, bottom, left, right


def _spread(frame: np.ndarray) -> np.ndarray:
    """Return the standard deviation of grey values around each pixel."""
    mean = cv2.blur(frame, (5, 5))
    return np.sqrt(np.maximum(cv2.blur(frame * frame, (5, 5)) - mean * mean, 0))


def _extent(share: np.ndarray) -> tuple[int, int]:
    """Return where a line is filled at least half as much as the fullest one."""
    filled = np.flatnonzero(share >= 0.5 * share.max())
    return int(filled[0]), int(filled[-1]) + 1


def _start_of_longest_run(filled: np.ndarray, bridge: int) -> int:
    """Return where the longest run of filled places starts; a short gap does not end a run."""
    places = np.flatnonzero(filled)
    if not len(places):
        return 0
    runs = np.split(places, np.flatnonzero(np.diff(places) > bridge + 1) + 1)
    return int(max(runs, key=lambda run: run[-1] - run[0])[0])
