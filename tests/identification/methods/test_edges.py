from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter1d

from musclelib import sequences, simulator
from musclelib.identification.evaluate import confidence_intervals, evaluate
from musclelib.identification.methods.edges import Decomposition
from musclelib.identification.methods.plain import plain
from musclelib.identification.motor_units import MotorUnits
from musclelib.metrics.matching import match
from musclelib.networks.territory_reader import ReaderParameters, TerritoryReader

WEIGHTS = Path(__file__).parents[3] / "data" / "weights" / "identification"


@pytest.fixture(scope="module")
def decomposition():
    return Decomposition(TerritoryReader(ReaderParameters(features=4, hidden=4)).eval())


def examples(units, snr, count=2, **changes):
    noise = None if snr is None else (snr, snr)
    parameters = simulator.preset("paper2", units=(units, units), noise_snr=noise, **changes)
    return [simulator.sequence_dataset(parameters, 21, index) for index in range(count)]


@pytest.mark.parametrize(("units", "snr"), [(1, 20.0), (15, None), (25, 20.0), (25, 10.0)])
def test_nearly_all_units_are_found_and_hardly_another(decomposition, units, snr):
    found = confidence_intervals(evaluate(decomposition, examples(units, snr))).value
    assert min(found.recall, found.precision) >= 0.95
    assert min(found["pixel recall"], found["pixel precision"], found.agreement) > 0.95


def test_it_beats_the_plainest_method_where_units_crowd(decomposition):
    crowd = examples(50, 20.0, 1)
    ours, theirs = (
        confidence_intervals(evaluate(method, crowd)).value.F for method in (decomposition, plain)
    )
    assert ours > theirs + 0.05


@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": (128, 96), "size": (40.0, 30.0)},
        {"frames": 200},
        {"frame_rate": 800.0, "frames": 800},
        {"frame_rate": 150.0, "frames": 200},
        {"pixels": (63, 50), "size": (40.0, 32.0)},
    ],
)
def test_any_field_length_and_rate(decomposition, changes):
    found = confidence_intervals(evaluate(decomposition, examples(8, 20.0, 1, **changes))).value
    assert min(found.recall, found.precision) >= 0.85


@pytest.mark.parametrize("seed", range(4))
def test_noise_alone_raises_no_alarm(decomposition, seed):
    noise = np.random.default_rng(seed).standard_normal((400, 64, 64))
    assert not len(decomposition(noise, 400.0).territory)


def test_gain_and_mirror_make_no_difference(decomposition):
    velocity = examples(6, 20.0, 1)[0].velocity.values[0]
    found, louder, mirrored = (
        decomposition(v, 400.0) for v in (velocity, 64 * velocity, velocity[:, :, ::-1])
    )
    np.testing.assert_array_equal(found.territory, louder.territory)
    np.testing.assert_allclose(64 * found.twitch_train, louder.twitch_train, rtol=1e-3, atol=1e-3)
    places, others = (
        {mask.tobytes() for mask in masks}
        for masks in (found.territory, mirrored.territory[:, :, ::-1])
    )
    assert places == others


def test_a_dead_column_does_no_harm(decomposition):
    example = examples(6, 20.0, 1)[0]
    example.velocity[:, :, :, 20] = 0
    found = confidence_intervals(evaluate(decomposition, [example])).value
    assert min(found.recall, found.precision) >= 0.8


def test_smooth_maps_are_read_by_the_network(decomposition, monkeypatch):
    velocity = examples(4, None, 1)[0].velocity.values[0]
    asked = []

    def read_territories(components, reader):
        asked.append(components)
        return MotorUnits.none(400, (64, 64))

    monkeypatch.setattr("musclelib.identification.methods.edges.read_territories", read_territories)
    assert decomposition(velocity, 400.0).model == "flat"
    assert not asked
    assert decomposition(gaussian_filter(velocity, (0, 4, 4)), 400.0).model == "read"
    assert len(asked) == 1


@pytest.mark.parametrize("size", [0.3, 3.0])
@pytest.mark.parametrize("units", [1, 25])
def test_a_motion_of_the_whole_field_hides_no_unit(decomposition, units, size):
    still = examples(units, 20.0, 1)[0]
    moved = simulator.with_tremor(still, size)
    found = confidence_intervals(evaluate(decomposition, [moved])).value
    assert min(found.recall, found.precision) >= 0.95  # as without
    told = decomposition(moved.velocity.values[0], 400.0).common_motion
    assert told == pytest.approx((moved.velocity - still.velocity).values.std(), rel=0.2)
    assert decomposition(still.velocity.values[0], 400.0).common_motion == 0


def test_noise_of_gates_that_overlap_is_of_an_acquisition(decomposition):
    velocity = examples(4, None, 1)[0].velocity.values[0]
    noise = np.random.default_rng(0).standard_normal(velocity.shape)
    overlapping = uniform_filter1d(noise, 3, axis=1)
    models = [
        decomposition(velocity + np.float32(0.1 * velocity.std() / one.std()) * one, 400.0).model
        for one in (noise, overlapping)
    ]
    assert models == ["flat", "read"]


@pytest.fixture(scope="module")
def in_vivo():
    """A second of subject 8, whom no training saw."""
    parameters = simulator.InVivoParameters(subjects=(8,), units=(6, 6), duration=1.0)
    return simulator.sequence_dataset(parameters, 90210, 0)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.3, 1.0, 3.0])
def test_tremor_silences_no_unit_in_vivo(in_vivo, size):
    ours, territory = Decomposition.load(WEIGHTS), in_vivo.territory.values[0].astype(bool)
    still, moved = (
        ours(one.velocity.values[0], 512.0, sequences.pixel_size(one))
        for one in (in_vivo, simulator.with_tremor(in_vivo, size))
    )
    hits = [len(match(territory, units.territory).true) for units in (still, moved)]
    assert hits[0] >= 3
    assert hits[1] >= hits[0]
    assert len(moved.territory) == len(still.territory)
    assert (still.model, moved.model) == ("read", "read")


@pytest.mark.parametrize(
    ("frame_rate", "shape", "still"),
    [(100.0, (400, 12, 12), 0), (100.0, (200, 10, 10), 0), (400.0, (400, 32, 32), 24)],
)
def test_noise_is_measured_in_few_pixels_too(decomposition, frame_rate, shape, still):
    noise = np.random.default_rng(0).standard_normal(shape)
    noise[..., shape[2] - still :] = 0
    assert not len(decomposition(noise, frame_rate).territory)


@pytest.mark.parametrize("field", [(5, 5), (4, 8), (3, 3), (2, 40)])
def test_fields_of_a_few_pixels_do_no_harm(decomposition, field):
    rng = np.random.default_rng(0)
    velocity = gaussian_filter(rng.standard_normal((400, *field)), (3, 2, 2))
    units = decomposition(velocity, 400.0)
    assert units.territory.shape[1:] == field
    assert np.isfinite(units.twitch_train).all()


def test_a_moment_is_too_short(decomposition):
    with pytest.raises(
        ValueError, match=r"velocity lasts 0\.00914 s: more than 0\.01 s are needed"
    ):
        decomposition(np.random.default_rng(0).standard_normal((64, 20, 20)), 7000.0)


@pytest.mark.parametrize("seed", range(3))
def test_noise_that_grows_with_depth_raises_no_alarm(decomposition, seed):
    noise = (
        np.random.default_rng(seed).standard_normal((400, 64, 64))
        * np.linspace(0.3, 1.7, 64)[:, None]
    )
    assert not len(decomposition(noise, 400.0).territory)
