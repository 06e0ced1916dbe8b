"""Orientation of the fascicles between two aponeuroses, from the power spectra of small patches.

A stripe pattern has its power on a line through the origin of its spectrum, across the stripes.
Power by angle and frequency is insensitive to where the stripes lie, and averages over patches.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
from scipy.fft import rfft2

ANGLES = np.arange(-90.0, 90.0, 2.0)  # deg, positive where stripes run down to the right
STEEPEST = 70.0  # deg
HEIGHT = 256  # rows of the image in which patches are taken
_PATCH = 48  # pixels
_STEP = 24  # pixels
_FFT = 2 * _PATCH  # zeros beside a patch sample its spectrum finely enough for any angle
_KEPT = _FFT // 4 + 1  # frequencies up to 1/4 per pixel
_BANDS = np.array([1.6, 3.2, 5.0, 7.5, 11.0]) / _PATCH  # edges of frequency bands, 1/pixel
_OFFSETS = (12, 8, 5, 3, 2, 1, 0)  # of neighbouring angles, in steps of `ANGLES`


def orientation_energy(
    frame: np.ndarray, upper: np.ndarray, lower: np.ndarray, height: int = HEIGHT
) -> np.ndarray | None:
    """Return power by orientation between two aponeuroses.

    Parameters
    ----------
    frame : ndarray
        Grey values, `(depth, lateral)`, with square pixels.
    upper, lower : ndarray
        Rows of the aponeuroses in the frame, one per column. They are masked.
    height : int
        Number of rows to which the frame is scaled.

    Returns
    -------
    ndarray or None
        Power `(pooling, band, angle)` at `ANGLES`, with mean 1 over the angles. Patches are pooled
        four ways: all alike; by how clear their orientation is; the upper and the lower half of
        the muscle. None where no patch fits between the aponeuroses.
    """
    patches, place, weight = _patches(frame, upper, lower, height)
    if not len(patches):
        return None
    spectrum = np.abs(rfft2(patches, (_FFT, _FFT))[:, _rows(), :_KEPT]) ** 2
    energy = spectrum.reshape(len(patches), -1) @ _polar().T
    energy = energy.reshape(len(patches), len(_BANDS) - 1, len(ANGLES))
    energy /= energy.mean(2, keepdims=True) + 1e-9

    coarse = energy[:, :3].mean(1)
    around = sum(np.roll(coarse, shift, 1) for shift in range(-2, 3)) / 5
    clear = weight * (around.max(1) / (around.mean(1) + 1e-9)) ** 2
    pools = [weight, clear, weight * (place < 0.5) + 1e-6, weight * (place >= 0.5) + 1e-6]
    return np.stack([np.tensordot(pool / pool.sum(), energy, 1) for pool in pools])


def angle_features(energy: np.ndarray, slopes: tuple[float, float]) -> np.ndarray:
    """Return features of every angle at `ANGLES` as the fascicles' angle, `(angle, feature)`.

    A mirror image has the same features at the opposite angles.

    Parameters
    ----------
    energy : ndarray
        See `orientation_energy`.
    slopes : tuple of float
        Angles of the upper and the lower aponeurosis [deg].
    """
    level = np.log(energy + 0.05).reshape(-1, len(ANGLES))
    level = level - level.mean(1, keepdims=True)
    around = [np.roll(level, -offset, 1) + np.roll(level, offset, 1) for offset in _OFFSETS]
    steepness, upper, lower = np.abs(ANGLES) / 45, *slopes
    side = np.tanh(ANGLES / 5)
    shape = [steepness, steepness**2, _bump(ANGLES, 4), _bump(ANGLES, 10)]
    for slope in slopes:
        away = ANGLES - slope
        shape += [np.abs(away) / 45, (away / 45) ** 2, _bump(away, 5), _bump(away, 10)]
    # fascicles most often run against the slope of the aponeuroses
    shape += [np.tanh(slope / 3) * side for slope in ((upper + lower) / 2, lower, lower - upper)]
    return np.concatenate([*around, np.array(shape)]).T.astype(np.float32)


def allowed(scores: np.ndarray) -> np.ndarray:
    """Return scores `(..., angle)` with those of too steep angles set to minus infinity."""
    return np.where(np.abs(ANGLES) <= STEEPEST, scores, -np.inf)


def _bump(away: np.ndarray, width: float) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * (away / width) ** 2))


def _rows() -> np.ndarray:
    """Return the rows of a spectrum that hold frequencies up to 1/4 per pixel."""
    return np.flatnonzero(np.abs(np.fft.fftfreq(_FFT)) <= 0.25)


@lru_cache(maxsize=1)
def _polar() -> np.ndarray:
    """Return the weights that turn a patch's power spectrum into power by band and angle."""
    down, right = np.meshgrid(
        np.fft.fftfreq(_FFT)[_rows()], np.fft.rfftfreq(_FFT)[:_KEPT], indexing="ij"
    )
    radius = np.maximum(np.hypot(down, right), 1e-6)
    along = np.degrees(np.arctan2(-right, down))  # stripes run across their frequency
    twice = np.where(right == 0, 1.0, 2.0)  # a real spectrum keeps one half of its plane
    spread = np.maximum(2.0, np.degrees(0.35 / _PATCH / radius))
    rows = []
    for low, high in pairwise(_BANDS):
        band = np.exp(-0.5 * (np.log(radius / np.sqrt(low * high)) / 0.3) ** 2) * twice
        band[0, 0] = 0
        for angle in ANGLES:
            away = (along - angle + 90) % 180 - 90
            part = band * np.exp(-0.5 * (away / spread) ** 2)
            rows.append((part / part.sum()).ravel())
    return np.array(rows, np.float32)


def _patches(
    frame: np.ndarray, upper: np.ndarray, lower: np.ndarray, height: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return windowed patches, their place between the aponeuroses (0 to 1) and their weight."""
    scale = height / frame.shape[0]
    width = max(_PATCH, round(frame.shape[1] * scale))
    image = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    columns = np.linspace(0, len(upper) - 1, width)
    top = np.interp(columns, np.arange(len(upper)), upper) * scale
    bottom = np.interp(columns, np.arange(len(lower)), lower) * scale
    row = np.arange(height, dtype=np.float32)[:, None]
    mask = np.clip((row - top - 4) / 4, 0, 1) * np.clip((bottom - 4 - row) / 4, 0, 1)
    mask = mask.astype(np.float32)
    image = _level(image, mask)

    padding = ((0, _PATCH), (0, 0))
    image, mask = np.pad(image, padding), np.pad(mask, padding)
    window = np.outer(*[np.hanning(_PATCH + 2)[1:-1]] * 2).astype(np.float32)
    window /= window.mean()
    patches, place, weight = [], [], []
    for left in range(0, width - _PATCH + 1, _STEP):
        start, end = top[left + _PATCH // 2], bottom[left + _PATCH // 2]
        count = max(1, int(np.ceil((end - start - _PATCH) / _STEP)) + 1)
        for first in np.linspace(start, max(start, end - _PATCH), count):
            y = int(np.clip(np.rint(first), 0, height - 1))
            cover = float((mask[y : y + _PATCH, left : left + _PATCH] * window).mean())
            if cover >= 0.5:
                patches.append(image[y : y + _PATCH, left : left + _PATCH] * window)
                place.append((y + _PATCH / 2 - start) / (end - start))
                weight.append(cover)
    return np.array(patches, np.float32), np.array(place), np.array(weight)


def _level(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the image with mean 0 and deviation 1 around each pixel, within the mask."""

    def around(values: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), 12))

    image = image * (30.0 / max(float(image[mask > 0].std() if mask.any() else 0.0), 1e-6))
    share = around(mask) + 1e-3
    level = (image - around(image * mask) / share) * mask
    return np.asarray(level / (np.sqrt(around(level**2) / share) + 1))
