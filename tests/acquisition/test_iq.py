from dataclasses import replace

import numpy as np
import pymust
import pytest

from musclelib.acquisition import demodulate


def _pulse(recording, delay, samples=400):
    time = recording.start_time + np.arange(samples) / recording.sampling_rate - delay
    envelope = np.exp(-((time / 1e-6) ** 2))
    return (envelope * np.cos(2 * np.pi * recording.centre_frequency * time))[:, None], envelope[
        :, None
    ]


def test_envelope_and_phase_of_a_delayed_pulse(recording):
    delay = 10.03e-6
    rf, envelope = _pulse(recording, delay)
    iq = demodulate(rf, recording)
    np.testing.assert_allclose(np.abs(iq), envelope, atol=0.01)
    peak = np.abs(iq).argmax()
    phase = np.angle(iq[peak, 0] * np.exp(2j * np.pi * recording.centre_frequency * delay))
    assert phase == pytest.approx(0, abs=0.01)


def test_band_pass_sampling_keeps_the_envelope(recording):
    fast = replace(recording, bandwidth=0.3)
    slow = replace(fast, sampling_rate=20e6 / 3)
    rf, _ = _pulse(fast, 10e-6, 600)
    np.testing.assert_allclose(demodulate(rf[::3], slow), demodulate(rf, fast)[::3], atol=0.02)


@pytest.mark.parametrize("rate", [8e6, 10e6])
def test_a_sampling_rate_that_folds_the_band_is_refused(recording, rate):
    with pytest.raises(ValueError, match="folds"):
        demodulate(np.zeros((100, 4)), replace(recording, sampling_rate=rate))


def test_agrees_with_pymust(recording):
    rf = np.random.default_rng(0).normal(size=(3, 300, 5))
    recording = replace(recording, start_time=1.23e-6)
    theirs = pymust.rf2iq(rf.transpose(1, 2, 0), 20e6, 5e6, 70.0).transpose(2, 0, 1)
    theirs = theirs * np.exp(-2j * np.pi * 5e6 * 1.23e-6)
    np.testing.assert_allclose(demodulate(rf, recording), theirs, atol=1e-6)


def test_agrees_with_pymust_on_the_disk(disk):
    rf, recording = disk
    theirs = pymust.rf2iq(rf[0].astype(float), recording.sampling_rate, 5e6, 15.0)
    theirs = theirs * np.exp(-2j * np.pi * 5e6 * recording.start_time)
    np.testing.assert_allclose(
        demodulate(rf[0], recording), theirs, atol=1e-5 * np.abs(theirs).max()
    )


def test_wrong_input(recording):
    with pytest.raises(ValueError, match="real"):
        demodulate(np.zeros((100, 4), complex), recording)
    with pytest.raises(ValueError, match="at least 19"):
        demodulate(np.zeros((18, 4)), recording)
