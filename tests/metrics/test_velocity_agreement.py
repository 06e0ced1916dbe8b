import numpy as np
import pytest
from scipy.stats import linregress

from musclelib.metrics.velocity_agreement import VelocityAgreement


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((50, 6, 5))
    return 0.8 * truth + 0.3 * rng.standard_normal(truth.shape) + 0.1, truth


GROUP = np.repeat([[0], [0], [1], [1], [1], [-1]], 5, axis=1)


def test_each_group_and_all_as_a_regression_has_it(pair):
    estimate, truth = pair
    sums = VelocityAgreement(2)
    sums.add(estimate, truth, GROUP)
    table = sums.table()
    for name, inside in ((0, GROUP == 0), (1, GROUP == 1), ("all", GROUP >= 0)):
        t, e = truth[:, inside].ravel(), estimate[:, inside].ravel()
        fit = linregress(t, e)
        np.testing.assert_allclose(
            table.loc[name], [fit.rvalue, fit.slope, t.std(), (e - t).std()], rtol=1e-9
        )


def test_sequences_are_pooled_in_any_order(pair):
    estimate, truth = pair
    at_once, in_parts = VelocityAgreement(2), VelocityAgreement(2)
    at_once.add(estimate, truth, GROUP)
    in_parts.add(estimate[30:], truth[30:], GROUP)
    in_parts.add(estimate[:30], truth[:30], GROUP)
    np.testing.assert_allclose(in_parts.table(), at_once.table())


def test_a_group_without_pixels_has_no_agreement(pair):
    sums = VelocityAgreement(3)
    sums.add(*pair, GROUP)
    assert sums.table().loc[2].isna().all()
    assert sums.table().drop(index=2).notna().all(axis=None)


def test_a_perfect_estimate_has_no_error(pair):
    _, truth = pair
    sums = VelocityAgreement(2)
    sums.add(truth, truth, GROUP)
    np.testing.assert_allclose(sums.table()[["Correlation", "Slope"]], 1)
    np.testing.assert_allclose(sums.table()["SD of the error"], 0, atol=1e-7)


def test_wrong_shapes_and_groups_are_refused(pair):
    estimate, truth = pair
    with pytest.raises(ValueError, match="are needed"):
        VelocityAgreement(2).add(estimate, truth[:-1], GROUP)
    with pytest.raises(ValueError, match="there are 1"):
        VelocityAgreement(1).add(estimate, truth, GROUP)
