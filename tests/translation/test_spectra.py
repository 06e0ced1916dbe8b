import numpy as np
import pytest
import torch
from scipy.ndimage import convolve1d

from musclelib.metrics.compare import Features, compare, summary
from musclelib.networks.light_generator import LightGenerator, LightGeneratorParameters
from musclelib.translation.spectra import HALF, equalised
from musclelib.translation.translate import translate

RATE = 512.0


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return LightGenerator(LightGeneratorParameters(features=2)).eval()


@pytest.fixture
def originals():
    rng = np.random.default_rng(0)
    return [rng.standard_normal((512, 16, 16), dtype=np.float32) for _ in range(2)]


def low_passed(sequence):
    return convolve1d(sequence, [0.04, 0.2, 0.52, 0.2, 0.04], axis=0)


def test_translations_take_on_the_spectrum_of_the_target_and_stay_in_time(generator, originals):
    target = Features.of([low_passed(original) for original in originals], RATE)
    new = equalised(generator, originals, target, RATE)
    assert new.settings.time_filter == HALF
    assert new.reach == generator.reach + HALF
    unseen = np.random.default_rng(1).standard_normal((512, 16, 16), dtype=np.float32)
    before, after = translate(generator, unseen), translate(new, unseen)
    agreement = [
        float(summary(compare(Features.of([translation], RATE), target)).loc["Corr_PSD", "mean"])
        for translation in (before, after)
    ]
    assert agreement[0] < 0.5
    assert agreement[1] > 0.98
    assert after.var() == pytest.approx(before.var(), rel=0.05)
    lags = range(-3, 4)
    products = [(before[8:-8] * np.roll(after, lag, axis=0)[8:-8]).mean() for lag in lags]
    assert np.argmax(products) == 3  # a symmetric filter delays nothing


def test_a_filter_is_matched_anew_not_on_top_of_another(generator, originals):
    target = Features.of([low_passed(original) for original in originals], RATE)
    once = equalised(generator, originals, target, RATE)
    twice = equalised(once, originals, target, RATE)
    for name, values in once.state_dict().items():
        assert torch.equal(values, twice.state_dict()[name])


def test_what_cannot_be_matched_is_refused(generator, originals):
    target = Features.of(originals, RATE)
    with pytest.raises(ValueError, match="at least one sequence"):
        equalised(generator, [], target, RATE)
    with pytest.raises(ValueError, match="frequencies"):
        equalised(generator, [originals[0][:64]], target, RATE)
