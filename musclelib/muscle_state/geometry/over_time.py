"""The most probable course of learnt choices over the frames of a video.

Each frame is judged by itself; neighbouring frames only decide between its options. Nothing is
added up along the video, so that nothing drifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from musclelib.muscle_state.geometry.aponeuroses import HEIGHT, Candidates
from musclelib.muscle_state.geometry.orientation import ANGLES

_STIFFNESS = 40.0  # loss of score for a pair that moves by the whole height of the image
_TURN = 2.0  # deg: usual change of the fascicle angle between frames
_JUMP = 0.01  # probability of any other angle in the next frame


def best_path(
    found: Sequence[Candidates],
    scores: Sequence[np.ndarray | None],
    *,
    continuous: bool,
) -> list[int | None]:
    """Return the pair of each frame, None for frames without pairs.

    In a video, the sum of the scores minus the movement between frames is largest (Viterbi).
    """
    best: list[int | None] = [None if s is None else int(s.argmax()) for s in scores]
    frames = [k for k, s in enumerate(scores) if s is not None]
    if not continuous or not frames:
        return best
    total, backs = np.asarray(scores[frames[0]]), []
    for before, now in pairwise(frames):
        moved = np.abs(_places(found[before])[:, None] - _places(found[now])).mean(-1) / HEIGHT
        via = total[:, None] - _STIFFNESS * moved
        backs.append(via.argmax(0))
        total = via.max(0) + np.asarray(scores[now])
    pair = int(total.argmax())
    for frame, back in zip(reversed(frames), [*reversed(backs), None], strict=True):
        best[frame] = pair
        pair = pair if back is None else int(back[pair])
    return best


def posterior(scores: np.ndarray, *, continuous: bool) -> np.ndarray:
    """Return the angle of each frame [deg], `(time,)`, of scores `(time, angle)`.

    In a video, the probability of an angle takes all frames into account (forward-backward).
    """
    chance = np.exp(scores - scores.max(1, keepdims=True))
    chance /= chance.sum(1, keepdims=True)
    if continuous and len(chance) > 1:
        turn = np.exp(-np.abs(ANGLES[:, None] - ANGLES) / _TURN)
        turn = (1 - _JUMP) * turn / turn.sum(1, keepdims=True) + _JUMP / len(ANGLES)
        chance = _pass(chance, turn) * _pass(chance[::-1], turn)[::-1] * chance
    best = chance.argmax(1)
    near = np.abs(ANGLES - ANGLES[best][:, None]) <= 14
    chance = chance * near
    return np.asarray((chance * ANGLES).sum(1) / chance.sum(1))


def _pass(chance: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Return what the earlier frames say about each frame."""
    told = np.ones_like(chance) / chance.shape[1]
    for frame in range(1, len(chance)):
        step = (told[frame - 1] * chance[frame - 1]) @ turn
        told[frame] = step / step.sum()
    return told


def _places(found: Candidates) -> np.ndarray:
    """Return the rows of each pair's curves at both ends of the image, `(pair, 4)`."""
    ends = np.array([curve.rows(2) for curve in found.curves])
    return np.array([np.concatenate([ends[upper], ends[lower]]) for upper, lower in found.pairs])
