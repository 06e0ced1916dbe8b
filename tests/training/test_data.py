import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from musclelib import sequences, simulator
from musclelib.parameters import ParameterError
from musclelib.sequences.clips import Clips
from musclelib.training.data import Pairs, Recut, loader


def numbered(count, domain, shape=(1, 3, 6, 8)):
    """Clips whose every pixel says where it is from."""
    size = torch.Size(shape).numel()
    return [
        torch.arange(size).reshape(shape).double() + 1000 * clip + 100_000 * domain
        for clip in range(count)
    ]


@given(step=st.integers(0, 10**9), seed=st.integers(0, 2**31), world=st.integers(1, 3))
def test_devices_share_what_one_device_would_draw(step, seed, world):
    a, b = numbered(5, 0), numbered(4, 1)
    together = Pairs(a, b, 2 * world, 4, seed)[step]
    parts = [Pairs(a, b, 2, 4, seed, rank, world)[step] for rank in range(world)]
    for domain in (0, 1):
        assert torch.equal(together[domain], torch.cat([part[domain] for part in parts]))


def test_batches_are_squares_of_clips_of_their_domain_some_upside_down():
    clips = numbered(5, 0), numbered(4, 1)
    pairs, seen = Pairs(*clips, 2, 4, seed=0), [set(), set()]
    for step in range(300):
        for domain, batch in enumerate(pairs[step]):
            assert batch.shape == (2, 1, 3, 4, 4)
            for clip in batch:
                first = int(min(clip[0, 0, 0, 0], clip[0, 0, -1, 0]))
                item, place = divmod(first - 100_000 * domain, 1000)
                row, column = divmod(place, 8)
                source = clips[domain][item][:, :, row : row + 4, column : column + 4]
                flipped = bool(clip[0, 0, 0, 0] > clip[0, 0, -1, 0])
                assert torch.equal(clip.flip(2) if flipped else clip, source)
                seen[domain].add((item, row, column, flipped))
    for domain, found in enumerate(seen):  # every clip, corner and side turns up
        assert len(found) > 0.95 * len(clips[domain]) * 3 * 5 * 2


@pytest.mark.parametrize("workers", [0, 2])
def test_a_resumed_stream_goes_on_where_it_stopped_and_leaves_the_networks_random_stream(workers):
    pairs = Pairs(numbered(5, 0), numbered(5, 1), 2, None, 3)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    batches = list(loader(pairs, range(4, 8), workers, pinned=False))
    assert torch.equal(torch.get_rng_state(), before)
    assert len(batches) == 4
    for step, batch in enumerate(batches, 4):
        assert all(torch.equal(one, two) for one, two in zip(batch, pairs[step], strict=True))


def test_sizes_that_do_not_fit_are_refused():
    small, large = numbered(2, 0), numbered(2, 1, (1, 3, 8, 8))
    with pytest.raises(ParameterError, match=r"domain B: there are no clips"):
        Pairs(small, [], 1, None, 0)
    with pytest.raises(
        ParameterError, match=r"crop = 7: clips of domain A have 6 x 8 pixels; allowed is at most 6"
    ):
        Pairs(small, large, 1, 7, 0)
    with pytest.raises(
        ParameterError, match=r"domain A have shape \(1, 3, 6, 8\), of domain B \(1, 3, 8, 8\)"
    ):
        Pairs(small, large, 1, None, 0)
    assert Pairs(small, large, 1, 6, 0)[0][1].shape == (1, 1, 3, 6, 6)
    with pytest.raises(ParameterError, match="agree in channels and frames"):
        Pairs(small, numbered(2, 1, (1, 4, 6, 8)), 1, 6, 0)


def test_clips_are_not_turned_where_that_is_not_wanted():
    clip = torch.arange(4 * 8 * 8.0).reshape(1, 4, 8, 8)
    pairs = Pairs([clip], [clip], batch=8, crop=None, seed=0, flip=False)
    assert all(torch.equal(item, clip) for part in pairs[3] for item in part)


def test_still_clips_are_drawn_anew_until_nothing_moves_anywhere():
    generator = torch.Generator().manual_seed(0)
    moving = torch.randn((1, 3, 6, 8), generator=generator)
    half = moving.clone()
    half[..., :4] = 0.01
    for crop, clips in ((None, [torch.zeros_like(moving), moving]), (4, [half])):
        pairs = Pairs(clips, clips, 1, crop, 0)
        assert all(float(batch.std()) > 0.05 for step in range(50) for batch in pairs[step])
    still = [torch.zeros_like(moving)]
    assert not Pairs(still, still, 1, None, 0)[0][0].any()


@pytest.mark.parametrize(
    ("frames", "every", "count"), [(32, 2, 1), (8, 1, 3), (48, 1, 1), (40, 2, 1)]
)
def test_recut_clips_are_frames_of_one_sequence(tmp_path, small, frames, every, count):
    path = tmp_path / "a.zarr"
    simulator.generate(path, small.changed(frames=100), 2, seed=0)
    dataset = sequences.open(path)
    clips = Recut(Clips(path, standardise=False), frames, every)
    assert len(clips) == 2 * count
    last = len(clips) - 1
    start = (count - 1) * -(-frames * every // 32) * 32
    expected = dataset.velocity[1, start : start + frames * every : every].to_numpy()
    np.testing.assert_array_equal(clips[last][0].numpy(), expected)
    with pytest.raises(IndexError, match=f"clip {last + 1} of {last + 1}"):
        clips[last + 1]


def test_clips_longer_than_a_sequence_are_refused(tmp_path, small):
    simulator.generate(tmp_path / "a.zarr", small, 1, seed=0)
    with pytest.raises(ParameterError, match="frames = 64, every = 2: a sequence has 96 frames"):
        Recut(Clips(tmp_path / "a.zarr"), 64, 2)
