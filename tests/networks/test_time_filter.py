import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import convolve1d

from musclelib.metrics.temporal import log_psd
from musclelib.networks.time_filter import TimeFilter


@pytest.fixture
def clips():
    return torch.randn(2, 1, 40, 6, 5, generator=torch.Generator().manual_seed(0))


def test_at_first_it_changes_nothing(clips):
    assert torch.equal(TimeFilter(5)(clips), clips)


@given(taps=st.lists(st.floats(-2, 2), min_size=1, max_size=9))
def test_it_is_the_symmetric_convolution_on_time(taps):
    clips = torch.randn(1, 1, 12, 3, 2, generator=torch.Generator().manual_seed(1))
    layer = TimeFilter(len(taps) - 1)
    layer.taps.copy_(torch.tensor(taps))
    expected = convolve1d(clips.numpy(), [*taps[:0:-1], *taps], axis=2, mode="nearest")
    np.testing.assert_allclose(layer(clips).numpy(), expected, atol=1e-4)


def test_a_known_filter_is_found_again_but_for_its_gain(clips):
    true = TimeFilter(4)
    true.taps.copy_(torch.tensor([0.5, 0.2, 0.05, 0.0, -0.02]))
    noise = torch.randn(1, 1, 4096, 8, 8, generator=torch.Generator().manual_seed(2))
    frequency, own = log_psd(noise[0, 0].numpy(), 512.0)
    wanted = log_psd(true(noise)[0, 0].numpy(), 512.0)[1]
    found = TimeFilter(16).equalise(own, wanted, frequency, 512.0)
    shape = found.taps / found.taps[0] * true.taps[0]
    np.testing.assert_allclose(shape[:5].numpy(), true.taps.numpy(), atol=0.01)
    assert shape[5:].abs().max() < 0.01
    # the power stays
    assert float(found(noise).var()) == pytest.approx(float(noise.var()), rel=0.02)


# of segments with an odd number of frames, the last is no half rate
@pytest.mark.parametrize("lines", [128, 127])
def test_spectra_of_the_same_shape_ask_for_no_filter(lines):
    frequency = np.arange(1, lines + 1) * 2.0
    own = -frequency / 100
    taps = TimeFilter(8).equalise(own, own + 3.0, frequency, 512.0).taps.numpy()
    np.testing.assert_allclose(taps, np.eye(9)[0], atol=1e-6)


def test_gradients_pass(clips):
    layer = TimeFilter(2)
    layer.taps.copy_(torch.tensor([0.5, 0.2, 0.1]))
    clips.requires_grad_()
    layer(clips).sum().backward()
    np.testing.assert_allclose(clips.grad[:, :, 4:-4].numpy(), 1.1, rtol=1e-5)
