"""Measures of how similar sequences are and how well motor units are identified.

Sets of sequences (paper 1, Table 1)
    `Features` of a set, computed once; `compare` every pair of two sets; `summary` over the pairs.
    Its features are `log_variance_map`, `map_histogram` and `kspace` in space and `log_psd` in
    time; the measures are `bhattacharyya_distance`, `histogram_correlation`,
    `structural_similarity` and `psd_correlation`.
Content of paired sequences (paper 1, Table 1 and Fig. 3)
    `content_consistency` of many pairs, by `cross_correlation`; `difference_map`, `similarity_map`
    and `similarity_profile`; `unit_correlation` at the territories of motor units.
Motor units (paper 2)
    `overlap` and `match` of territories, with a `Matching`; `agreement` of firing times, with a
    `FiringAgreement`.
Repeats
    `mean_interval` and `ratio_interval`: means and ratios of sums, each an `Interval` with its
    bootstrap confidence bounds.
Velocity
    `VelocityAgreement` of estimated with true velocity, by groups of pixels.

Examples
--------
>>> import numpy as np
>>> from musclelib.metrics import Features, compare, summary
>>> sequences = np.random.default_rng(0).standard_normal((4, 32, 16, 16))
>>> first, second = (Features.of(part, frame_rate=200.0) for part in (sequences[:2], sequences[2:]))
>>> summary(compare(first, second)).loc["Corr_PSD"].round(1).to_dict()
{'mean': 0.9, 'SD': 0.1}
"""

from musclelib.metrics.compare import Features, compare, content_consistency, summary
from musclelib.metrics.content import (
    MAX_LAG,
    cross_correlation,
    difference_map,
    similarity_map,
    similarity_profile,
    unit_correlation,
)
from musclelib.metrics.firing_agreement import TOLERANCE, FiringAgreement, agreement
from musclelib.metrics.intervals import Interval, mean_interval, ratio_interval
from musclelib.metrics.matching import IOU, Matching, match, overlap
from musclelib.metrics.spatial import (
    HISTOGRAM_EDGES,
    bhattacharyya_distance,
    histogram_correlation,
    kspace,
    log_variance_map,
    map_histogram,
    structural_similarity,
)
from musclelib.metrics.temporal import log_psd, psd_correlation
from musclelib.metrics.velocity_agreement import VelocityAgreement

__all__ = [
    "HISTOGRAM_EDGES",
    "IOU",
    "MAX_LAG",
    "TOLERANCE",
    "Features",
    "FiringAgreement",
    "Interval",
    "Matching",
    "VelocityAgreement",
    "agreement",
    "bhattacharyya_distance",
    "compare",
    "content_consistency",
    "cross_correlation",
    "difference_map",
    "histogram_correlation",
    "kspace",
    "log_psd",
    "log_variance_map",
    "map_histogram",
    "match",
    "mean_interval",
    "overlap",
    "psd_correlation",
    "ratio_interval",
    "similarity_map",
    "similarity_profile",
    "structural_similarity",
    "summary",
    "unit_correlation",
]
