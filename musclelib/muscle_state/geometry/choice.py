"""A learnt choice among options: which of several lines, which of several angles.

Each option has features, their weighted sum is its score, and the softmax of the scores is the
probability of the options (conditional logistic regression).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

_LIMIT = 4.0  # standard deviations: no single feature outweighs all others on unusual images


@dataclass(frozen=True)
class Choice:
    """Weights of a choice: the features' mean, standard deviation and weight, `(feature,)`."""

    mean: np.ndarray
    deviation: np.ndarray
    weight: np.ndarray

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return the scores of options, `(..., option)`, of features `(..., option, feature)`."""
        scaled = (features - self.mean) / self.deviation
        return np.asarray(np.clip(scaled, -_LIMIT, _LIMIT) @ self.weight)


def fit_choice(
    features: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    importance: np.ndarray,
    *,
    decay: float,
) -> Choice:
    """Fit a choice to examples by maximum likelihood.

    Parameters
    ----------
    features : sequence of ndarray
        Features of the options of each example, `(option, feature)`; the number of options may
        differ.
    targets : sequence of ndarray
        Probability of each option, `(option,)`.
    importance : ndarray
        Weight of each example.
    decay : float
        Penalty on the squared weights.
    """
    rows = np.concatenate([np.asarray(values, np.float64) for values in features])
    mean, deviation = rows.mean(0), rows.std(0) + 1e-6
    rows = np.clip((rows - mean) / deviation, -_LIMIT, _LIMIT)
    sizes = np.array([len(values) for values in features])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    share = np.repeat(importance / importance.sum(), sizes)
    target = np.concatenate(list(targets))

    def loss(weight: np.ndarray) -> tuple[float, np.ndarray]:
        score = rows @ weight
        score -= np.repeat(np.maximum.reduceat(score, starts), sizes)
        log_sum = np.repeat(np.log(np.add.reduceat(np.exp(score), starts)), sizes)
        value = -(share * target * (score - log_sum)).sum() + decay * weight @ weight
        gradient = rows.T @ (share * (np.exp(score - log_sum) - target)) + 2 * decay * weight
        return float(value), gradient

    found = minimize(
        loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 150}
    )
    return Choice(mean, deviation, found.x)


def save_choices(path: str | Path, choices: dict[str, Choice], card: dict[str, object]) -> None:
    """Write choices and a card, which says what they were fitted to, as JSON."""
    content: dict[str, object] = {"card": card}
    for name, choice in choices.items():
        content[name] = {
            part: [float(f"{value:.6g}") for value in getattr(choice, part)]
            for part in ("mean", "deviation", "weight")
        }
    Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load_choices(path: str | Path) -> dict[str, Choice]:
    """Read choices that `save_choices` wrote."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    return {
        name: Choice(*(np.array(parts[part]) for part in ("mean", "deviation", "weight")))
        for name, parts in content.items()
        if name != "card"
    }
