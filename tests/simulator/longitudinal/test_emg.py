import numpy as np
import pytest
from scipy.signal import welch

from musclelib.parameters import ParameterError
from musclelib.simulator.longitudinal.emg import activation, filtered_emg, raw_emg
from musclelib.simulator.longitudinal.mechanics import Mechanics

RATE = 1000


def rng():
    return np.random.default_rng(5)


def test_the_power_of_the_raw_emg_lies_between_20_and_450_hz():
    raw = raw_emg(Mechanics(), np.full(60 * RATE, 0.3), rng())
    frequency, power = welch(raw, RATE, nperseg=2000)
    inside = power[(frequency > 30) & (frequency < 400)].mean()
    assert power[frequency < 5].mean() < 0.01 * inside
    assert power[frequency > 495].mean() < 0.01 * inside
    assert power[(frequency > 19) & (frequency < 21)].mean() == pytest.approx(inside / 2, rel=0.3)


@pytest.mark.parametrize("level", [0.1, 0.5, 1.0])
def test_the_filtered_emg_is_the_gain_times_the_drive(level):
    mechanics = Mechanics(emg_noise=0.0)
    filtered = filtered_emg(raw_emg(mechanics, np.full(120 * RATE, level), rng()))
    assert filtered[2000:].mean() == pytest.approx(mechanics.emg_gain * level, rel=0.02)


def test_at_rest_the_noise_of_the_electrodes_remains():
    filtered = filtered_emg(raw_emg(Mechanics(), np.zeros(120 * RATE), rng()))
    assert filtered[2000:].mean() == pytest.approx(Mechanics().emg_noise, rel=0.02)


def test_the_filter_halves_the_power_at_its_cutoff():
    time = np.arange(20 * RATE) / RATE
    for frequency, gain in ((0.1, 1), (1.5, np.sqrt(0.5)), (6, 1 / 16)):
        response = filtered_emg(1 + 0.5 * np.sin(2 * np.pi * frequency * time))[10_000:]
        assert np.ptp(response) == pytest.approx(gain, rel=0.05)


def test_activation_starts_after_the_delay_and_peaks_after_its_time():
    mechanics = Mechanics(delay=0.05, activation_time=0.1)
    impulse = np.zeros(RATE)
    impulse[200] = 1
    response = activation(mechanics, impulse)
    assert not response[:250].any()
    assert response[251] > 0
    assert response.argmax() == pytest.approx(350, abs=2)
    assert response.sum() == pytest.approx(1, rel=0.02)


def test_a_steady_drive_is_a_steady_activation():
    np.testing.assert_allclose(activation(Mechanics(), np.full(500, 0.3)), 0.3)


def test_a_rate_below_the_band_is_refused():
    with pytest.raises(ParameterError, match="rate = 500 Hz: an EMG needs more than 900 Hz"):
        raw_emg(Mechanics(), np.zeros(100), rng(), rate=500)
