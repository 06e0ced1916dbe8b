import numpy as np
import pytest

from musclelib.muscle_state.region import ShapeModel, contour_from_curves

PLACE = np.linspace(-1, 1, 100)


def contours(count=60, seed=0):
    """Contours with two ways to vary: thickness and bend; and any depth."""
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            contour_from_curves(top * np.ones(100), top + thick + bend * PLACE**2)
            for top, thick, bend in zip(
                rng.uniform(0, 100, count),
                rng.normal(80, 8, count),
                rng.normal(0, 3, count),
                strict=True,
            )
        ]
    )


def test_two_ways_to_vary_are_two_components_whatever_the_depth():
    model = ShapeModel.fit(contours())
    assert len(model.spread) == 2
    assert model.explained == pytest.approx(1)
    assert np.all(np.diff(model.spread) < 0)


def test_a_contour_of_the_same_kind_is_kept():
    model, new = ShapeModel.fit(contours()), contours(1, seed=5)[0]
    assert np.allclose(model.project(new), new, atol=1e-6)


def test_an_impossible_contour_is_limited_at_its_own_depth():
    model = ShapeModel.fit(contours())
    wild = contour_from_curves(np.full(100, 10.0), np.full(100, 400.0))
    allowed = model.project(wild, limit=2)
    assert allowed[:, 0].mean() == pytest.approx(wild[:, 0].mean())
    assert np.all(np.abs(model.weights(allowed)) <= 2 * model.spread + 1e-6)
    assert np.allclose(model.project(allowed, limit=2), allowed)


def test_fewer_components_explain_less():
    one, two = (ShapeModel.fit(contours(), components=count) for count in (1, 2))
    assert one.explained < two.explained


def test_too_few_contours_are_refused():
    with pytest.raises(ValueError, match="at least 3"):
        ShapeModel.fit(contours(2))
