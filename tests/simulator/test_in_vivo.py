"""The synthetic in-vivo domain, on recordings as short as they can be.

`quiet` ones have almost no electronic noise.
"""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation, binary_erosion

from musclelib import sequences
from musclelib.acquisition import PROBES, band_pass
from musclelib.parameters import ParameterError
from musclelib.simulator import InVivoParameters, generate, in_vivo, sample_pool, sequence_dataset
from musclelib.simulator.cross_section import Label, effects_off
from musclelib.simulator.motor_units.twitch import twitch_velocity

PARAMETERS, SEED = InVivoParameters(subjects=(0, 4), duration=0.3), 3


def files(store):
    return {
        path.relative_to(store): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


def changed_subject(**changes):
    def subject(number, plain=in_vivo.subject):
        return dataclasses.replace(plain(number), **changes)

    return subject


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("in_vivo") / "one.zarr"
    generate(path, PARAMETERS, 3, seed=SEED, workers=1)
    return path


@pytest.fixture(scope="module")
def made(store):
    return sequences.open(store).load()


@pytest.fixture(scope="module")
def quiet():
    """One sequence of subject 0."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_vivo, "subject", changed_subject(snr=80.0))
        return sequence_dataset(InVivoParameters(subjects=(0,), duration=0.3), 0, 0)


@pytest.fixture(scope="module")
def plain():
    """One of 0.5 s without any effect of the tissue: the units of papers 1 and 2, recorded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_vivo, "subject", changed_subject(snr=80.0, tissue=effects_off()))
        return sequence_dataset(InVivoParameters(subjects=(0,), duration=0.5), 0, 0)


@pytest.fixture
def replay(monkeypatch):
    """Record the first frame, turned by a displacement of all tissue towards the probe [um]."""

    class Replayed:
        def __init__(self, frames, turn):
            self.shape, self.dtype, self.first = frames.shape, frames.dtype, frames[:1]
            self.turn = np.exp(1j * turn).astype(np.complex64)[:, None, None]

        def __getitem__(self, part):
            return self.turn[part] * self.first

    def build(towards):
        def echoes(specimen, *arguments, plain=in_vivo.echoes):
            return Replayed(
                plain(specimen, *arguments), 1e-3 * specimen.recording.axial_wavenumber * towards
            )

        monkeypatch.setattr(in_vivo, "echoes", echoes)
        return in_vivo.record(PARAMETERS, SEED, 0)

    return build


def truth(dataset, index=0):
    return list(sequences.true_velocity(dataset))[index]


def alike(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


class TestSets:
    def test_a_sequence_is_the_same_alone(self, made):
        alone = sequence_dataset(PARAMETERS, SEED, 1)
        for name, variable in alone.data_vars.items():
            assert variable.values.tobytes() == made[name][1:2].values.tobytes(), name

    def test_half_a_sequence_is_refused_and_two_workers_go_on_to_the_same_bytes(
        self, store, tmp_path, monkeypatch
    ):
        path, put = tmp_path / "two.zarr", sequences.put

        def dies(store, index, dataset):
            put(store, index, dataset[["velocity", "territory"]])
            raise RuntimeError("killed")

        with monkeypatch.context() as patch:
            patch.setattr(sequences, "put", dies)
            with pytest.raises(RuntimeError, match="killed"):
                generate(path, PARAMETERS, 3, seed=SEED, workers=2)
        assert (path / "velocity/c/0").exists()
        with pytest.raises(sequences.SequenceError, match="not finished"):
            sequences.open(path)
        generate(path, PARAMETERS, 3, seed=SEED, workers=2)
        assert files(path) == files(store)

    def test_subjects_take_turns_and_no_two_sequences_are_alike(self, made):
        sequences.check(made)
        assert made.attrs["domain"] == "synthetic in vivo"
        assert made.subject.values.tolist() == [0, 4, 0]
        assert not np.array_equal(made.territory[0], made.territory[2])

    def test_a_store_made_with_another_calibration_is_refused(self, store, monkeypatch):
        generate(store, PARAMETERS, 3, seed=SEED)  # the same: left alone
        for changes in (
            {"attenuation": 0.5},
            {"firing_rate": (8.0, 9.0)},
            {"tissue": effects_off()},
        ):
            with monkeypatch.context() as patch:
                patch.setattr(in_vivo, "subject", changed_subject(**changes))
                with pytest.raises(
                    sequences.SequenceError, match=r"something else \(by its parameters\)"
                ):
                    generate(store, PARAMETERS, 3, seed=SEED)

    def test_json_tells_what_is_behind_the_parameters(self, made):
        told = json.loads(made.attrs["parameters"])
        assert {name: told[name] for name in ("subjects", "units", "probe", "duration")} == {
            "subjects": [0, 4], "units": [4, 10], "probe": "L14-5", "duration": 0.3
        }  # fmt: skip
        assert told["details"].pop("chain")["filters"]["high"] == 50
        assert sorted(told["details"]) == ["0", "4"]
        for number, behind in told["details"].items():
            person = in_vivo.subject(int(number))
            assert behind["tissue"]["fat"] == person.tissue.fat
            assert behind["tissue"]["shear_speed"] == person.tissue.shear_speed
            assert behind["echo"]["snr"] == person.snr
            assert behind["pool"]["firing_rate"] == list(person.firing_rate)
            assert behind["recording"]["prf"] == 2000.0


class TestLabels:
    def test_territories_lie_in_the_muscle_around_their_centres(self, made):
        for index in range(3):
            one = made.isel(sequence=index)
            count = int(one.unit_count)
            assert 4 <= count <= 10
            assert not one.territory[count:].any()
            assert np.isnan(one.centre_depth[count:]).all()
            assert set(np.unique(one.label_map.values[one.territory.any("unit")])) <= {
                Label.MUSCLE,
                Label.PERIMYSIUM,
            }
            for unit in range(count):
                inside = np.argwhere(one.territory.values[unit])
                place = np.stack(
                    [one.depth.values[inside[:, 0]], one.lateral.values[inside[:, 1]]], axis=1
                )
                centre = float(one.centre_depth[unit]), float(one.centre_lateral[unit])
                assert np.hypot(*(place - centre).T).min() < 1

    def test_twitch_trains_are_those_of_the_pool_at_the_frames(self, made):
        pool = sample_pool(PARAMETERS.specimen(4).pool, SEED, 1)
        assert made.unit_count[1] == len(pool)
        for unit in range(len(pool)):
            firing = np.isfinite(pool.firing_time[unit])
            onset = pool.firing_time[unit, firing] + pool.lead[unit]
            stretch = pool.duration_factor[unit, firing]
            expected = twitch_velocity(
                # as the motion, which is that of the later of two echoes
                made.time.values + 0.25e-3 - onset[:, None],
                (pool.amplitude[unit] * pool.amplitude_factor[unit, firing])[:, None],
                (pool.contraction_time[unit] * stretch)[:, None],
                (pool.half_relaxation[unit] * stretch)[:, None],
            ).sum(axis=0)
            np.testing.assert_allclose(made.twitch_train[1, unit], 1e-3 * expected, atol=1e-4)
            fired = made.firing_time.values[1, unit]
            np.testing.assert_array_equal(
                fired[np.isfinite(fired)], [time for time in pool.firing_time[unit] if time >= 0]
            )

    def test_truth_is_the_band_passed_sum_of_twitches_where_tissue_has_no_effects(self, plain):
        count = int(plain.unit_count[0])
        trains, territory = plain.twitch_train.values[0, :count], plain.territory.values[0, :count]
        passed = band_pass(trains.T[:, :, None], 512.0, 5.0, 50.0)[:, :, 0]
        clear = np.all(
            [binary_erosion(area) | ~binary_dilation(area) for area in territory], axis=0
        )
        clear &= territory.any(axis=0)
        found = truth(plain)[:, clear]
        expected = passed @ territory[:, clear].astype(np.float32)
        middle = slice(60, -60)  # both ends are continued, each at its own rate
        assert np.linalg.norm((found - expected)[middle]) < 0.03 * np.linalg.norm(expected[middle])
        assert not plain.true_map.values[0, -1].any()  # room is left


class TestEstimate:
    def test_it_is_near_the_truth_in_muscle_and_not_the_truth(self, quiet):
        muscle = np.isin(quiet.label_map.values[0], (Label.MUSCLE, Label.PERIMYSIUM))
        estimate, true = quiet.velocity.values[0][:, muscle], truth(quiet)[:, muscle]
        assert alike(estimate, true) > 0.95
        assert np.linalg.norm(estimate - true) > 0.05 * np.linalg.norm(true)

    def test_it_is_the_truth_of_the_papers_without_effects(self, plain):
        estimate, true = plain.velocity.values[0], truth(plain)
        assert alike(estimate, true) > 0.9

    def test_echoes_that_stand_still_give_none_whatever_the_truth(self, replay):
        made = replay(np.zeros(600))
        assert np.abs(made.velocity.values).max() < 1e-3
        assert np.abs(np.tensordot(made.true_signal, made.true_map, (0, 0))).max() > 0.1

    def test_motion_of_the_echoes_alone_is_what_it_shows(self, replay):
        towards = 5 * np.sin(2 * np.pi * 20 * np.arange(600) / 2000)  # [um]
        made = replay(towards)
        wanted = band_pass((2 * np.diff(towards))[:, None, None], 2000.0, 5.0, 50.0)[:, 0, 0]
        wanted = np.interp(made.velocity.time, (np.arange(599) + 0.5) / 2000, wanted)
        np.testing.assert_allclose(
            np.median(made.velocity, axis=(1, 2)), wanted, atol=0.02 * np.abs(wanted).max()
        )


def test_no_unit_leaves_the_pulse():
    made = sequence_dataset(InVivoParameters(subjects=(0,), units=(0, 0), duration=0.3), 1, 0)
    sequences.check(made)
    assert made.unit_count.values.tolist() == [0]
    assert not made.territory.any()
    assert np.isnan(made.twitch_train).all()
    assert np.isnan(made.firing_time).all()
    strength = truth(made).std(axis=0)
    row, column = np.unravel_index(strength.argmax(), strength.shape)
    rows, columns = np.nonzero(made.label_map.values[0] == Label.VESSEL)
    depth, lateral = made.depth.values, made.lateral.values
    away = np.hypot(depth[row] - depth[rows], lateral[column] - lateral[columns])  # from the vessel
    assert strength.max() > 1e-3
    assert away.min() < 1
    assert made.velocity.values.std() > 0


@pytest.mark.parametrize("probe", ["L11-5v", "L12-3v"])
def test_other_probes_record_with_rows_that_carry_their_band(probe, monkeypatch):
    monkeypatch.setattr(in_vivo, "subject", changed_subject(snr=80.0))
    parameters = InVivoParameters(subjects=(0,), probe=probe, duration=0.3)
    recording = PROBES[probe]
    rows, size = parameters.specimen(0).tissue.pixels[0], parameters.specimen(0).tissue.size[0]
    # of the samples in time [Hz], to which rows amount
    rate = recording.sound_speed * 1e3 / 2 / (size / rows)
    assert rate > 1.3 * recording.bandwidth * recording.centre_frequency
    made = sequence_dataset(parameters, 0, 0)
    sequences.check(made)
    assert made.lateral.values[[0, -1]] == pytest.approx(recording.element_positions[[0, -1]])
    territory = made.territory.values[0].any(axis=0)
    assert alike(made.velocity.values[0][:, territory], truth(made)[:, territory]) > 0.9


@given(duration=st.floats(0.3, 60))
@example(duration=0.3135)  # whole frames of both rates
@example(duration=2.001)
def test_any_duration_holds_the_frames_of_its_sequence(duration):
    specimen = InVivoParameters(subjects=(0,), duration=duration).specimen(0)
    pairs = (np.arange(specimen.tissue.frames - 1) + 0.5) / specimen.tissue.rate
    span = (specimen.pool.frames - 1) / specimen.pool.frame_rate
    assert pairs[-1] - pairs[0] - 1.01 / specimen.pool.frame_rate < span <= pairs[-1] - pairs[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subjects": ()}, "at least one is needed"),
        ({"subjects": (0, 9)}, r"subjects = \(0, 9\): allowed is at least 0 and at most 8"),
        ({"subjects": (-1,)}, "allowed is at least 0"),
        ({"probe": "L7-4"}, "probe = 'L7-4': allowed is one of 'L14-5', 'L11-5v', 'L12-3v'"),
        ({"units": (5, 4)}, r"units = \(5, 4\): a range goes from low to high"),
        ({"units": (-1, 4)}, "allowed is at least 0"),
        ({"duration": 0.2}, r"allowed is at least 0.3 and at most 60 \[s\]"),
    ],
)
def test_wrong_parameters_are_named(changes, message):
    with pytest.raises(ParameterError, match=message):
        InVivoParameters(**changes)


def test_parameters_of_another_kind_are_refused():
    with pytest.raises(ParameterError, match="SimulatorParameters or InVivoParameters are needed"):
        sequence_dataset(effects_off(), 0, 0)
