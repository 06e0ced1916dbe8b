"""Axial motion from beamformed IQ: the two-dimensional autocorrelation of Loupas.

Positive is towards the probe, as in PyMUST's ``iq2doppler``.
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
    """Where the autocorrelation is averaged before its angle is taken."""

    length: float = quantity(1.0, "mm", "axial length of a gate", above=0)
    hop: float = quantity(0.3125, "mm", "distance between gates: 128 of them in 40 mm", above=0)
    ensemble: int = quantity(1, "1", "successive frame pairs averaged, in a sliding window", low=1)

    def weights(self, depth: ArrayLike) -> NDArray[np.float32]:
        """Return the matrix that averages over gates, shape ``(gate, depth)``; rows sum to one.

        Raises
        ------
        ValueError
            The depths are not evenly spaced and increasing, or fewer than a gate holds.
        """
        depth = np.asarray(depth, float)
        step = depth_step(depth)
        size = max(2, round(self.length / step))  # two samples make one fast-time lag
        if size > depth.size:
            raise ValueError(
                f"a gate of {self.length:g} mm takes {size} depths; there are {depth.size}"
            )
        starts = np.arange(0, depth.size - size + 1, max(1, round(self.hop / step)))
        sample = np.arange(depth.size)
        inside = (sample >= starts[:, None]) & (sample < starts[:, None] + size)
        return (inside / np.float32(size)).astype(np.float32)

    def centres(self, depth: ArrayLike) -> NDArray[np.float64]:
        """Return the depths of the gates' centres [mm], shape ``(gate,)``."""
        return self.weights(depth) @ np.asarray(depth, float)


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
    # The operator * may reuse the temporary and swap its operands when the array is large, which
    # rounds otherwise: the result would depend on how many frames are passed at once.
    return np.multiply(later, earlier.conj())


def _gated(product: NDArray[Any], weights: NDArray[np.float32]) -> NDArray[Any]:
    """Average ``(time, depth, lateral)`` over gates; real arithmetic, as the weights are real."""
    product = np.ascontiguousarray(product)
    if np.iscomplexobj(product):
        return np.matmul(weights, product.view(np.float32)).view(np.complex64)
    return np.matmul(weights, product)


def _fast_lag(iq: NDArray[np.complex64], weights: NDArray[np.float32]) -> NDArray[np.complex64]:
    # A gate of n samples holds n - 1 fast-time lags: each lag belongs to the gates with both its
    # samples.
    return _gated(_lag(iq[:, 1:], iq[:, :-1]), np.minimum(weights[:, 1:], weights[:, :-1]))


def _sliding_sum(values: NDArray[Any], size: int) -> NDArray[Any]:
    """Sum `size` successive entries along time.

    The order of the sum does not depend on the position.
    """
    count = len(values) - size + 1
    return sum((values[start : start + count] for start in range(1, size)), start=values[:count])


def displacement(
    iq: NDArray[np.complexfloating],
    depth: ArrayLike,
    recording: Recording,
    gate: Gate | None = None,
) -> NDArray[np.float32]:
    """Axial displacement from one frame to the next.

    The lag in slow time gives the phase the echo turned by, the lag in fast time the echo's mean
    frequency: ``u = arg R(0,1) / k`` with ``k = k0 + arg R(1,0) / dz``, the wave number of the
    two-way path.

    Parameters
    ----------
    iq : array
        Beamformed IQ at baseband, shape ``(time, depth, lateral)``.
    depth : array
        Depths [mm], evenly spaced, in steps of `axial_step` or less: the error of coarser ones is
        in docs/choices.md.
    recording : Recording
        Gives the wave number of the transmitted frequency, and the band the mean frequency lies in.
    gate : Gate, optional
        Averaging of R; 1 mm and one pair of frames unless told.

    Returns
    -------
    array of float32
        Displacement [um] towards the probe, shape ``(time - ensemble, gate, lateral)``. Entry ``i``
        is the mean of the frame pairs ``i`` to ``i + ensemble - 1``. More than a quarter wavelength
        between frames wraps.

    Raises
    ------
    ValueError
        Wrong shape or kind of `iq`, fewer frames than an ensemble, or depths that hold no gate.

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
    # Noise can turn the fast-time phase anywhere: no echo comes from outside the probe's band.
    reach = recording.bandwidth / 2 * recording.axial_wavenumber
    deviation = np.clip(np.angle(fast) / np.float32(depth[1] - depth[0]), -reach, reach)
    return (1e3 * np.angle(slow) / (recording.axial_wavenumber + deviation)).astype(np.float32)


def mean_lag(iq: NDArray[np.complexfloating], depth: ArrayLike, gate: Gate) -> complex:
    """Mean over all gates and frames of the fast-time lag over the power.

    Its angle is the phase that the echoes gain from one depth to the next; noise leaves hardly any
    modulus. Every gate counts alike, so that neither the probe's ringing nor a bright reflector
    rules.
    """
    weights = gate.weights(depth)
    iq = np.ascontiguousarray(iq, np.complex64)
    lag, power = _fast_lag(iq, weights), _gated(iq.real**2 + iq.imag**2, weights)
    return complex(np.mean(np.divide(lag, power, out=np.zeros_like(lag), where=power > 0)))


def coherence(
    iq: NDArray[np.complexfloating], depth: ArrayLike, gate: Gate | None = None
) -> NDArray[np.float32]:
    """Coherence of successive frames, ``|R(0,1)|`` over the geometric mean of the frames' powers.

    Parameters and errors are those of `displacement`.

    Returns
    -------
    array of float32
        From 0 (unrelated speckle) to 1 (the same speckle), shape ``(time - ensemble, gate,
        lateral)``; 0 where there is no echo.
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
