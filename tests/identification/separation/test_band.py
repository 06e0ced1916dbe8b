import numpy as np
import pytest

from musclelib.identification.separation.band import Band

RATE = 400.0


def waves(frequencies, frames=400, pixels=(6, 7)):
    time = np.arange(frames) / RATE
    gains = np.random.default_rng(1).standard_normal((len(frequencies), *pixels))
    return np.einsum("ft,fij->tij", np.sin(2 * np.pi * np.outer(frequencies, time)), gains).astype(
        np.float32
    )


def test_what_twitches_are_made_of_comes_back():
    velocity = waves((8, 20, 35)) + 5
    band = Band.of(velocity, RATE)
    back = band.over_time(band.coefficients.T).T.reshape(velocity.shape)
    moving = velocity - velocity.mean(axis=0)
    wrong = np.abs(back - moving) / np.abs(moving).max()
    assert wrong[20:-20].max() < 0.03  # a wave that is cut off is fast at its ends
    assert wrong.max() < 0.2


def test_what_is_too_fast_is_left_out():
    slow, fast = Band.of(waves((10,)), RATE), Band.of(waves((10,)) + waves((120,)), RATE)
    assert (
        np.abs(slow.coefficients - fast.coefficients).max() < 0.05 * np.abs(slow.coefficients).max()
    )


@pytest.mark.parametrize(
    ("frames", "rate"), [(400, 400.0), (1024, 512.0), (600, 200.0), (300, 150.0)]
)
def test_noise_is_measured_beside_a_signal(frames, rate):
    noise = np.random.default_rng(0).standard_normal((frames, 20, 20)).astype(np.float32)
    time = np.arange(frames)[:, None, None] / rate
    band = Band.of(0.3 * noise + 20 * np.sin(2 * np.pi * 9 * time), rate)
    assert band.noise == pytest.approx(0.09, rel=0.1)
    assert len(band.coefficients) == pytest.approx(100 * frames / rate, abs=1)


def test_noise_alone_stays_below_chance_and_a_train_above():
    noise = np.random.default_rng(0).standard_normal((400, 24, 24)).astype(np.float32)
    band = Band.of(noise, RATE)
    strongest = np.linalg.svd(band.coefficients, compute_uv=False)[0] ** 2
    assert 0.8 * band.chance(24 * 24) < strongest < 1.04 * band.chance(24 * 24)
    strong = Band.of(noise + 2 * np.sin(np.arange(400) / 8)[:, None, None].astype(np.float32), RATE)
    assert np.linalg.svd(strong.coefficients, compute_uv=False)[0] ** 2 > 10 * strong.chance(
        24 * 24
    )
