"""Spatial features of a sequence: the map of its motion, the map's histogram and its K-space.

After Ali et al. 2022, BioMed Eng OnLine 21:46, "Evaluation of translation performance". The paper
gives neither the edges of the histograms nor the scale of the K-space; the reasons for the choices
made here stand beside each.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
from skimage import metrics

from musclelib.metrics.arrays import (
    Array,
    as_sequence,
    as_set,
    as_sets,
    depth_blocks,
    require_motion,
)
from musclelib.metrics.correlation import correlation_matrix

# One set of edges for all maps keeps features comparable that are computed separately. Half an SD
# is wide enough for the still background of simulated sequences, which is most of the map, to lie
# in one bin whatever the number of units.
HISTOGRAM_EDGES = np.linspace(-4.0, 4.0, 17)
"""Edges of the bins of `map_histogram` [SD]."""

SSIM_WINDOW = 7  # uniform and 7 x 7, the default of skimage.metrics.structural_similarity


def log_variance_map(velocity: npt.ArrayLike) -> Array:
    """Map the variance over time on a logarithmic scale that is 0 without motion.

    The variance is taken relative to its mean over the map and so does not depend on the gain:
    velocities in mm/s compare with standardised ones, and the map shows where the motion is and how
    unevenly it is distributed. The logarithm of 1 plus this ratio suppresses peaks, as the paper
    asks for, and maps still pixels, most of a simulation without noise, to 0 and not to minus
    infinity.

    Parameters
    ----------
    velocity : numpy.ndarray
        One sequence `(time, depth, lateral)`, in any unit.

    Returns
    -------
    numpy.ndarray
        log10 of 1 + variance / mean variance, `(depth, lateral)` [decades].

    Raises
    ------
    ValueError
        The array is not a sequence, or all pixels are constant.
    """
    sequence = as_sequence(velocity)
    require_motion(sequence)
    variance = np.concatenate(
        [np.var(sequence[:, rows], axis=0, dtype=np.float64) for rows in depth_blocks(sequence)]
    )
    return np.log10(1.0 + variance / variance.mean())


def standardised_map(log_variance: npt.ArrayLike) -> Array:
    """Scale a map to mean 0 and SD 1, the first step of histogram and K-space.

    Histograms then compare the shape of the distribution, and K-spaces the texture, without regard
    to the contrast of the map.

    Parameters
    ----------
    log_variance : numpy.ndarray
        A map `(depth, lateral)` [decades].

    Returns
    -------
    numpy.ndarray
        `(depth, lateral)` [SD].

    Raises
    ------
    ValueError
        The map is not two-dimensional, not finite or flat.
    """
    values = as_set(log_variance, "log_variance", 2)
    spread = values.std()
    if spread <= 1e-9 * np.abs(values).max():  # rounding leaves a flat map this much
        raise ValueError("log_variance is flat; it has neither histogram nor K-space")
    return (values - values.mean()) / spread


def map_histogram(log_variance: npt.ArrayLike, edges: npt.ArrayLike = HISTOGRAM_EDGES) -> Array:
    """Return the histogram of the standardised map, as fractions that sum to 1.

    Values beyond the edges count in the first or the last bin, so that no pixel is lost.

    Parameters
    ----------
    log_variance : numpy.ndarray
        A map `(depth, lateral)` [decades].
    edges : numpy.ndarray
        Increasing edges of the bins `(bin + 1,)` [SD], the same for all maps to be compared.

    Returns
    -------
    numpy.ndarray
        Fractions `(bin,)`.

    Raises
    ------
    ValueError
        The map is not two-dimensional, not finite or flat, or the edges do not increase.
    """
    values = standardised_map(log_variance)
    bounds = as_set(edges, "edges", 1)
    if len(bounds) < 2 or not (np.diff(bounds) > 0).all():
        raise ValueError("edges must be at least two increasing numbers")
    counts, _ = np.histogram(np.clip(values, bounds[0], bounds[-1]), bounds)
    return counts / values.size


def histogram_correlation(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """Correlate histograms over their bins (Corr of Table 1; `HISTCMP_CORREL` of OpenCV).

    Parameters
    ----------
    first, second : numpy.ndarray
        Histograms on the same edges, `(n, bin)` and `(m, bin)`.

    Returns
    -------
    numpy.ndarray
        Pearson correlations `(n, m)`; 1 for equal histograms.

    Raises
    ------
    ValueError
        The shapes do not agree, or a histogram is negative, empty or flat.
    """
    return correlation_matrix(*_as_histograms(first, second))


def bhattacharyya_distance(first: npt.ArrayLike, second: npt.ArrayLike) -> Array:
    """Return the Bhattacharyya distance sqrt(1 - BC) of histograms (D_Bhat of Table 1).

    BC is the sum over the bins of sqrt(p q), after each histogram is scaled to sum 1; it is
    `HISTCMP_BHATTACHARYYA` of OpenCV. Of the distances that bear the name this one, also called the
    Hellinger distance, is a metric and lies between 0 and 1; -ln BC is not and does not.

    Parameters
    ----------
    first, second : numpy.ndarray
        Histograms on the same edges, `(n, bin)` and `(m, bin)`.

    Returns
    -------
    numpy.ndarray
        Distances `(n, m)`: 0 for equal histograms, 1 for histograms without a common bin.

    Raises
    ------
    ValueError
        The shapes do not agree, or a histogram is negative or empty.
    """
    a, b = (np.sqrt(h / h.sum(axis=1, keepdims=True)) for h in _as_histograms(first, second))
    return np.sqrt(np.maximum(0.0, 1.0 - a @ b.T))


def kspace(log_variance: npt.ArrayLike) -> Array:
    """Return the K-space of a map, log10(1 + |F|) at the spatial frequencies kx > 0 and ky > 0.

    F is the orthonormal 2-D Fourier transform of the standardised map, so that the mean of |F|^2 is
    1. The logarithm keeps the few strong low frequencies from hiding the texture: on a linear scale
    the rest is small against the range, and SSIM is near 1 for dissimilar maps, too. Adding 1 keeps
    frequencies of less than average power, whose logarithm is mostly scatter, from dominating.

    Parameters
    ----------
    log_variance : numpy.ndarray
        A map `(depth, lateral)` [decades].

    Returns
    -------
    numpy.ndarray
        `(ky, kx)`, 63 x 63 for a map of 128 x 128 pixels; between 0 and `kspace_range`.

    Raises
    ------
    ValueError
        The map is not two-dimensional, not finite, flat, or too small for one SSIM window.
    """
    values = standardised_map(log_variance)
    depth, lateral = values.shape
    smallest = 2 * SSIM_WINDOW + 1
    if min(depth, lateral) < smallest:
        raise ValueError(
            f"log_variance has the shape {values.shape}; K-space needs {smallest} pixels a side"
        )
    spectrum = np.abs(np.fft.fft2(values, norm="ortho"))
    return np.log10(1.0 + spectrum[1 : (depth + 1) // 2, 1 : (lateral + 1) // 2])


def kspace_range(shape: tuple[int, int]) -> float:
    """Return the largest value that `kspace` can take for maps of a shape `(depth, lateral)`.

    A single plane wave, whose power lies in two frequencies, reaches it. As the `data_range` of
    SSIM it is the same for all pairs of maps, unlike the range of the values of one pair.
    """
    return float(np.log10(1.0 + np.sqrt(shape[0] * shape[1] / 2)))


def structural_similarity(first: npt.ArrayLike, second: npt.ArrayLike, data_range: float) -> Array:
    """Return the mean SSIM of every pair of images of two sets (SSI of Table 1, on K-spaces).

    Wang et al. 2004, IEEE TIP 13:600, eq. 13, with K1 = 0.01, K2 = 0.03, a uniform window of 7 x 7,
    sample covariances and windows wholly inside the image, the defaults of scikit-image, which
    computes it.

    Parameters
    ----------
    first, second : numpy.ndarray
        Images `(n, rows, columns)` and `(m, rows, columns)`.
    data_range : float
        Range of the values that the images can take; for K-spaces `kspace_range`.

    Returns
    -------
    numpy.ndarray
        SSIM `(n, m)`; 1 for equal images.

    Raises
    ------
    ValueError
        The shapes do not agree, the images are smaller than a window, or `data_range` is not above
        0.
    """
    images = as_sets(first, second, 3)
    if not data_range > 0:
        raise ValueError(f"data_range = {data_range}; it must be above 0")
    if min(images[0].shape[1:]) < SSIM_WINDOW:
        raise ValueError(
            f"images have the shape {images[0].shape[1:]}; at least {SSIM_WINDOW} a side is needed"
        )
    ssim = partial(metrics.structural_similarity, win_size=SSIM_WINDOW, data_range=data_range)
    return np.array([[ssim(one, other) for other in images[1]] for one in images[0]])


def _as_histograms(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Array, Array]:
    a, b = as_sets(first, second, 2)
    for name, histograms in (("first", a), ("second", b)):
        wrong = np.flatnonzero((histograms < 0).any(axis=1) | (histograms.sum(axis=1) <= 0))
        if wrong.size:
            raise ValueError(
                f"histogram {wrong[0]} of {name} is negative or empty; counts are needed"
            )
    return a, b
