import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from musclelib import sequences, simulator
from musclelib.sequences.clips import Clips


@pytest.fixture
def store(small, tmp_path):
    simulator.generate(tmp_path / "a.zarr", small, 3, seed=1)
    return tmp_path / "a.zarr"


def test_clips_are_the_chunks_of_the_store(store):
    clips, velocity = Clips(store, standardise=False), sequences.open(store).velocity.to_numpy()
    assert len(clips) == 3 * 3
    for item in range(len(clips)):
        sequence, clip = divmod(item, 3)
        assert clips[item].shape == (1, 32, 24, 20)
        np.testing.assert_array_equal(
            clips[item][0], velocity[sequence, clip * 32 : clip * 32 + 32]
        )


def test_standardised_sequences_have_mean_0_and_sd_1(store):
    clips = Clips(store)
    for sequence in range(3):
        whole = torch.cat([clips[sequence * 3 + clip] for clip in range(3)])
        assert abs(float(whole.mean())) < 1e-4
        assert float(whole.std()) == pytest.approx(1, abs=1e-3)


def test_direct_reading_agrees_with_zarr(store):
    clips = Clips(store)
    direct = [clips[item] for item in range(len(clips))]
    assert clips._reader.direct
    clips._reader.direct = False
    for item, clip in enumerate(direct):
        torch.testing.assert_close(clips[item], clip, rtol=0, atol=0)


def test_incompressible_frames_and_a_last_part_of_a_clip(dataset, tmp_path):
    sequences.write(dataset, tmp_path / "a.zarr")  # 80 frames of noise: two clips and a half
    clips = Clips(tmp_path / "a.zarr", standardise=False)
    assert len(clips) == 6
    np.testing.assert_array_equal(clips[5][0], dataset.velocity[2, 32:64])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_every_clip_once(store, workers):
    loader = DataLoader(Clips(store), batch_size=4, shuffle=True, num_workers=workers)
    seen = torch.cat(list(loader))
    expected = torch.stack([Clips(store)[item] for item in range(9)])
    order = torch.cdist(seen.flatten(1), expected.flatten(1)).argmin(1)
    assert sorted(order.tolist()) == list(range(9))


def test_a_reader_can_be_sent_to_another_process(store):
    clips = Clips(store)
    first = clips[0]
    torch.testing.assert_close(pickle.loads(pickle.dumps(clips))[0], first)


def test_errors(store, dataset, tmp_path):
    with pytest.raises(IndexError, match="clip 9 of 9"):
        Clips(store)[9]
    with pytest.raises(sequences.SequenceError, match="has no 'intensity'"):
        Clips(store, variable="intensity")
    sequences.write(dataset, tmp_path / "plain.zarr")
    with pytest.raises(sequences.SequenceError, match="has no 'velocity_mean'"):
        Clips(tmp_path / "plain.zarr")
    sequences.write(dataset.isel(time=slice(20)), tmp_path / "short.zarr")
    with pytest.raises(sequences.SequenceError, match="sequences of 20 frames, a clip has 32"):
        Clips(tmp_path / "short.zarr", standardise=False)
    shard = store / "velocity/c/0/0/0/0"
    shard.write_bytes(shard.read_bytes()[:40])
    with pytest.raises(sequences.SequenceError, match="cut short"):
        Clips(store)[0]


def test_a_sequence_that_does_not_move_cannot_be_standardised(tmp_path):
    still = simulator.preset("paper1", units=(0, 0), frames=32, pixels=(8, 8))
    simulator.generate(tmp_path / "a.zarr", still, 2)
    with pytest.raises(sequences.SequenceError, match="sequence 0 does not move"):
        Clips(tmp_path / "a.zarr")
    assert not Clips(tmp_path / "a.zarr", standardise=False)[1].any()
