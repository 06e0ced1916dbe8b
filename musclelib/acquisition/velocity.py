"""Axial motion from beamformed IQ by the two-dimensional autocorrelation of Loupas.

Motion towards the probe is positive, as in PyMUST's `iq2doppler`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musclelib.acquisition.probe import Recording
from musclelib.parameters import Parameters, quantity


def depth_step(depth: NDArray[np.float64]) -> float:
    """Return the distance between neighbouring depths [mm].

    Raises
    ------
    ValueError
        The depths are not evenly spaced and increasing.
    """
    steps = np.diff(depth)
    if (
        depth.ndim != 1
        or depth.size < 2
        or steps[0] <= 0
        or not np.allclose(steps, steps[0], rtol=1e-3)
    ):
        raise ValueError(
            "depth must be one axis of evenly spaced, increasing values [mm], at least two"
        )
    return float(steps[0])


@dataclass(frozen=True)
class Gate(Parameters):
    """The region over which the autocorrelation is averaged before its angle is taken."""

    length: float = quantity(1.0, "mm", "axial length of a gate", above=0)
    hop: float = quantity(0.3125, "mm", "distance between gates, 128 of them in 40 mm", above=0)
    ensemble: int = quantity(
        1, doc="number of successive frame pairs averaged, in a sliding window", low=1
    )

    def weights(self, depth: ArrayLike) -> NDArray[np.float32]:
        """Return the matrix that averages over gates, `(gate, depth)`; rows sum to one.

        Raises
        ------
        ValueError
            The depths are not evenly spaced and increasing, or fewer than a gate covers.
        """
        depth = np.asarray(depth, float)
        step = depth_step(depth)
        size = max(2, round(self.length / step))  # a fast-time lag takes two samples
        if size > depth.size:
            raise ValueError(
                f"a gate of {self.length:g} mm takes {size} depths; there are {depth.size}"
            )
        starts = np.arange(0, depth.size - size + 1, max(1, round(self.hop / step)))
        sample = np.arange(depth.size)
        inside = (sample >= starts[:, None]) & (sample < starts[:, None] + size)
        return (inside / np.float32(size)).astype(np.float32)

    def centres(self, depth: ArrayLike) -> NDArray[np.float64]:
        """Return the depths of the gates' centres [mm], `(gate,)`."""
        return self.weights(depth) @ np.asarray(depth, float)


def displacement(
    iq: NDArray[np.complexfloating],
    depth: ArrayLike,
    recording: Recording,
    gate: Gate | None = None,
) -> NDArray[np.float32]:
    """Estimate the axial displacement from one frame to the next.

    The lag in slow time gives the phase by which the echo has turned, the lag in fast time the
    echo's mean frequency: `u = arg R(0,1) / k` with `k = k0 + arg R(1,0) / dz`, the wave number of
    the two-way path.

    Parameters
    ----------
    iq : numpy.ndarray
        Beamformed IQ at baseband, `(time, depth, lateral)`.
    depth : numpy.ndarray
        Depths [mm], evenly spaced in steps of `axial_step` or less; docs/choices.md has the error
        of coarser steps.
    recording : Recording
        Wave number of the transmitted frequency, and the band that holds the mean frequency.
    gate : Gate, optional
        Averaging of R; by default over 1 mm and one pair of frames.

    Returns
    -------
    numpy.ndarray of float32
        Displacement [um] towards the probe, `(time - ensemble, gate, lateral)`. Entry `i` is the
        mean of the frame pairs `i` to `i + ensemble - 1`. A displacement of more than a quarter
        wavelength between frames wraps around.

    Raises
    ------
    ValueError
        `iq` is not complex or has another shape, or it has fewer frames than an ensemble or fewer
        depths than a gate.

    References
    ----------
    Loupas, Powers and Gill, IEEE Trans. Ultrason. Ferroelectr. Freq. Control 42:672 (1995).
    """
    gate = gate or Gate()
    depth = np.asarray(depth, float)
    _check(iq, depth, gate)
    weights = gate.weights(depth)
    iq = np.ascontiguousarray(iq, np.complex64)
    slow = _sliding_sum(_gated(_lag(iq[1:], iq[:-1]), weights), gate.ensemble)
    fast = _sliding_sum(_fast_lag(iq, weights), gate.ensemble + 1)
    # noise can turn the fast-time phase to any angle, but no echo lies outside the probe's band
    reach = recording.bandwidth / 2 * recording.axial_wavenumber
    deviation = np.clip(np.angle(fast) / np.float32(depth[1] - depth[0]), -reach, reach)
    return (1e3 * np.angle(slow) / (recording.axial_wavenumber + deviation)).astype(np.float32)


def mean_lag(iq: NDArray[np.complexfloating], depth: ArrayLike, gate: Gate) -> complex:
    """Return the mean over gates and frames of the ratio of the fast-time lag to the power.

    Its angle is the phase that echoes gain from one depth to the next; for noise its modulus is
    near 0. Every gate has the same weight, so that neither the probe's ringing nor a bright
    reflector dominates.
    """
    weights = gate.weights(depth)
    iq = np.ascontiguousarray(iq, np.complex64)
    lag, power = _fast_lag(iq, weights), _gated(iq.real**2 + iq.imag**2, weights)
    return complex(np.mean(np.divide(lag, power, out=np.zeros_like(lag), where=power > 0)))


def coherence(
    iq: NDArray[np.complexfloating], depth: ArrayLike, gate: Gate | None = None
) -> NDArray[np.float32]:
    """Return the coherence of successive frames.

    It is the ratio of `|R(0,1)|` to the geometric mean of the frames' powers. Parameters and errors
    are those of `displacement`.

    Returns
    -------
    numpy.ndarray of float32
        From 0 (unrelated speckle) to 1 (the same speckle), `(time - ensemble, gate, lateral)`; 0
        without an echo.
    """
    gate = gate or Gate()
    depth = np.asarray(depth, float)
    _check(iq, depth, gate)
    weights = gate.weights(depth)
    iq = np.ascontiguousarray(iq, np.complex64)
    slow = _sliding_sum(_gated(_lag(iq[1:], iq[:-1]), weights), gate.ensemble)
    power = _gated(iq.real**2 + iq.imag**2, weights)
    first, second = (_sliding_sum(part, gate.ensemble) for part in (power[:-1], power[1:]))
    scale = np.sqrt(first * second)
    return np.divide(np.abs(slow), scale, out=np.zeros_like(scale), where=scale > 0).clip(0, 1)


def _check(iq: NDArray[Any], depth: NDArray[Any], gate: Gate) -> None:
    if iq.ndim != 3 or not np.iscomplexobj(iq) or iq.shape[1] != depth.size:
        raise ValueError(
            f"beamformed IQ must be complex of shape (time, {depth.size}, lateral); got {iq.dtype}"
            f" of shape {iq.shape}"
        )
    if len(iq) <= gate.ensemble:
        raise ValueError(
            f"an ensemble of {gate.ensemble} pairs needs {gate.ensemble + 1} frames; got {len(iq)}"
        )


def _lag(later: NDArray[Any], earlier: NDArray[Any]) -> NDArray[Any]:
    # for large arrays the operator * may reuse the temporary and swap its operands, which changes
    # the rounding: the result would depend on how many frames are passed at once
    return np.multiply(later, earlier.conj())


def _gated(product: NDArray[Any], weights: NDArray[np.float32]) -> NDArray[Any]:
    """Average `(time, depth, lateral)` over gates; real arithmetic, as the weights are real."""
    product = np.ascontiguousarray(product)
    if np.iscomplexobj(product):
        return np.matmul(weights, product.view(np.float32)).view(np.complex64)
    return np.matmul(weights, product)


def _fast_lag(iq: NDArray[np.complex64], weights: NDArray[np.float32]) -> NDArray[np.complex64]:
    # a gate of n samples holds n - 1 fast-time lags: a lag belongs to the gates that hold both of
    # its samples
    return _gated(_lag(iq[:, 1:], iq[:, :-1]), np.minimum(weights[:, 1:], weights[:, :-1]))


def _sliding_sum(values: NDArray[Any], size: int) -> NDArray[Any]:
    """Sum `size` successive entries along time, in an order independent of the position."""
    count = len(values) - size + 1
    return sum((values[start : start + count] for start in range(1, size)), start=values[:count])
