import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from musclelib.translation import losses


def test_adversarial_loss_by_hand():
    scores = torch.tensor([[1.0, 0.0], [3.0, -1.0]])
    assert losses.lsgan(scores, real=True) == (0 + 1 + 4 + 4) / 4
    assert losses.lsgan(scores, real=False) == (1 + 0 + 9 + 1) / 4


def test_cycle_loss_by_hand():
    assert losses.cycle(torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, 4.0]])) == 3.5


def test_identity_loss_by_hand_in_both_forms():
    original = torch.zeros(2, 1, 1, 2, 2)
    mapped = torch.tensor([[3.0, 4.0, 0.0, 0.0], [0.0, 0.0, 0.0, -1.0]]).view(original.shape)
    assert losses.identity(mapped, original) == 1.0  # (3 + 4 + 1) / 8
    assert losses.identity(mapped, original, "l2") == 1.5  # mean of 5 / 2 and 1 / 2


@given(st.floats(-5, 5))
def test_both_forms_agree_on_a_constant_difference(difference):
    original = torch.zeros(2, 1, 2, 3, 4)
    mapped = original + difference
    expected = torch.tensor(abs(difference))
    for form in ("l1", "l2"):
        torch.testing.assert_close(
            losses.identity(mapped, original, form), expected, atol=1e-5, rtol=1e-5
        )


def test_the_gradient_of_the_norm_at_no_difference_is_finite():
    mapped = torch.zeros(1, 4, requires_grad=True)
    losses.identity(mapped, torch.zeros(1, 4), "l2").backward()
    assert torch.equal(mapped.grad, torch.zeros(1, 4))


def test_losses_of_half_precision_are_summed_in_float32():
    scores = torch.full((3000,), 1.0, dtype=torch.bfloat16)
    for loss in (losses.lsgan(scores, real=False), losses.cycle(scores, 0 * scores)):
        assert loss.dtype == torch.float32
        assert loss == 1.0
    assert losses.identity(scores[None], 0 * scores[None], "l2").dtype == torch.float32


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="'l3': allowed are 'l1', 'l2'"):
        losses.identity(torch.zeros(1), torch.zeros(1), "l3")
