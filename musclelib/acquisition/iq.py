"""From radio-frequency echoes to in-phase and quadrature (IQ) signals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from musclelib.acquisition.probe import Recording


def demodulate(rf: NDArray[np.generic], recording: Recording) -> NDArray[np.complex64]:
    """Demodulate RF signals to IQ: mix them down by the centre frequency and low-pass them.

    The low-pass is a fifth-order Butterworth filter with its corner at half the probe's bandwidth,
    applied forwards and backwards; the result is doubled, so that its modulus is the echo's
    envelope. RF sampled below twice its highest frequency (band-pass sampling) works as long as the
    aliases of the band stay apart.

    Parameters
    ----------
    rf : numpy.ndarray
        Real echoes, `(..., fast_time, element)`.
    recording : Recording
        Centre frequency, sampling rate, bandwidth and start time.

    Returns
    -------
    numpy.ndarray of complex64
        IQ of the same shape. An echo delayed by `tau` has the phase `-2 pi fc tau`.

    Raises
    ------
    ValueError
        `rf` is complex or too short to filter, or the sampling rate folds the band onto itself.

    References
    ----------
    Madiena, Faurie, Porée and Garcia, IEEE Trans. Ultrason. Ferroelectr. Freq. Control 65:795
    (2018).
    """
    if np.iscomplexobj(rf) or np.ndim(rf) < 2:
        raise ValueError(
            f"RF must be real with axes (..., fast_time, element); got {rf.dtype} of shape"
            f" {rf.shape}"
        )
    if _folds_onto_itself(recording):
        raise ValueError(
            f"sampling_rate {recording.sampling_rate:g} Hz folds the echo's band (centre_frequency "
            f"{recording.centre_frequency:g} Hz, bandwidth {recording.bandwidth:g}) onto itself"
        )
    low_pass = butter(
        5,
        min(recording.bandwidth * recording.centre_frequency / recording.sampling_rate, 0.5),
        output="sos",
    )
    shortest = 19  # the filter's padding is 18 samples long
    if rf.shape[-2] < shortest:
        raise ValueError(f"RF has {rf.shape[-2]} fast-time samples; at least {shortest} are needed")
    time = recording.start_time + np.arange(rf.shape[-2]) / recording.sampling_rate
    carrier = np.exp(-2j * np.pi * recording.centre_frequency * time)[:, None]
    return (2 * sosfiltfilt(low_pass, rf * carrier, axis=-2)).astype(np.complex64)


def _folds_onto_itself(recording: Recording) -> bool:
    """Whether the aliases of the echo's band overlap (band-pass sampling theorem)."""
    half = recording.bandwidth / 2
    low, high = recording.centre_frequency * (1 - half), recording.centre_frequency * (1 + half)
    rate = recording.sampling_rate
    zone = np.floor(2 * low / rate) + 1  # the only zone whose lower edge can lie below the band
    return bool(2 * high / zone > rate)
