import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from musclelib.networks.layers import InstanceNorm, NoiseInjection
from musclelib.networks.light_generator import LightGenerator, LightGeneratorParameters
from musclelib.networks.resnet_generator import Generator, GeneratorParameters
from musclelib.translation.translate import plan, reach, translate


def generator(**changes):
    """A small generator whose noise, if any, is heard, and whose output is far from zero."""
    torch.manual_seed(1)
    made = Generator(GeneratorParameters(**{"features": 4, "blocks": 1, "limit": None, **changes}))
    for layer in made.modules():
        if isinstance(layer, NoiseInjection):
            nn.init.constant_(layer.scale, 0.5)
        elif isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            nn.init.normal_(layer.weight, 0, 0.1)
    return made


def light():
    torch.manual_seed(1)
    made = LightGenerator(LightGeneratorParameters(features=2, blocks=1))
    for parameter in made.parameters():
        nn.init.normal_(parameter, 0, 0.3)
    return made


def recording(*shape):
    """White noise that becomes louder: its parts have other statistics than the whole."""
    rng = np.random.default_rng(0)
    return (
        rng.standard_normal(shape, np.float32)
        * np.linspace(0.3, 2, shape[0], dtype=np.float32)[:, None, None]
    )


def apply(network, frames):
    with torch.inference_mode():
        return network(torch.from_numpy(np.ascontiguousarray(frames))[None, None])[0, 0].numpy()


def difference(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@pytest.mark.parametrize(
    "changes", [{}, {"temporal_stride": 1}, {"kernel": "single"}, {"limit": 1.0}]
)
def test_a_recording_of_a_fitting_size_is_what_the_network_makes_of_it(changes):
    network, frames = generator(**changes), recording(40, 16, 12)
    assert (
        difference(translate(network, frames, precision="32-true"), apply(network, frames)) < 1e-5
    )


@pytest.mark.parametrize(
    "changes", [{}, {"temporal_stride": 1}, {"noise": True}, {"noise": True, "blocks": 2}]
)
@pytest.mark.parametrize("chunk", [8, 20, 51])
def test_chunks_differ_from_the_whole_by_rounding_alone(changes, chunk):
    network, frames = generator(**changes), recording(102, 16, 12)
    whole = translate(network, frames, precision="32-true")
    found = translate(network, frames, chunk=chunk, precision="32-true")
    assert difference(found, whole) < 1e-4
    own = translate(network, frames, statistics="clip", chunk=chunk, precision="32-true")
    assert difference(own, whole) > 0.05  # statistics matter here


def test_chunks_of_a_network_without_norm_and_of_single_frames_are_the_whole():
    for network in (light(), generator(kernel="single")):
        frames = recording(50, 16, 24)
        whole = translate(network, frames, precision="32-true")
        assert difference(translate(network, frames, chunk=9, precision="32-true"), whole) < 1e-5


def test_chunks_in_half_precision_stay_within_one_percent():
    network, frames = generator(), recording(96, 16, 16)
    whole = translate(network, frames)
    for chunk in (8, 20, 24):
        assert difference(translate(network, frames, chunk=chunk), whole) < 0.01
    assert difference(whole, translate(network, frames, precision="32-true")) < 0.03


def test_there_are_no_seams():
    """The step from frame to frame is no larger where chunks meet than elsewhere."""
    network, frames = generator(), recording(96, 16, 16)
    error = translate(network, frames, chunk=24, precision="32-true") - translate(
        network, frames, precision="32-true"
    )
    steps = np.abs(np.diff(error, axis=0)).max(axis=(1, 2))
    assert steps[[23, 47, 71]].max() < 1e-4


@given(
    st.integers(2, 37),
    st.integers(2, 21),
    st.integers(2, 21),
    st.sampled_from(["3d", "3d-stride1", "2d"]),
)
def test_any_size_is_translated_as_its_reflection_beyond_the_edge_would_be(
    time, depth, lateral, name
):
    changes = {"3d": {}, "3d-stride1": {"temporal_stride": 1}, "2d": {"kernel": "single"}}[name]
    network, frames = generator(**changes), recording(time, depth, lateral)
    found = translate(network, frames, precision="32-true")
    assert found.shape == frames.shape
    assert found.dtype == np.float32
    pad = [
        (0, max(-(-size // step) * step, least) - size)
        for size, step, least in zip(frames.shape, network.multiple, network.smallest, strict=True)
    ]
    wanted = apply(network, np.pad(frames, pad, mode="reflect"))[:time, :depth, :lateral]
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_clip_statistics_are_half_overlapping_clips_faded_linearly():
    network, frames = generator(), recording(56, 8, 8)
    found = translate(network, frames, statistics="clip", chunk=16, precision="32-true")
    clips = {start: apply(network, frames[start : start + 16]) for start in range(0, 56 - 15, 8)}
    assert list(clips) == [0, 8, 16, 24, 32, 40]
    np.testing.assert_allclose(found[:8], clips[0][:8], atol=1e-5)  # alone
    np.testing.assert_allclose(found[48:], clips[40][8:], atol=1e-5)
    rise = (np.arange(8)[:, None, None] + 0.5) / 8
    np.testing.assert_allclose(
        found[16:24], (1 - rise) * clips[8][8:] + rise * clips[16][:8], atol=1e-5
    )


def test_clips_are_as_in_training_unless_told_otherwise():
    how = plan(generator(), (100, 8, 8), statistics="clip")
    assert {piece.stop - piece.start for piece in how.pieces} == {32}
    assert (how.pieces[0].start, how.pieces[-1].stop) == (0, 100)
    assert how.statistics == "each chunk of 32 frames its own"


def test_noise_is_that_of_the_seed():
    network, frames = generator(noise=True), recording(24, 12, 12)
    first = translate(network, frames)
    np.testing.assert_array_equal(translate(network, frames), first)
    assert difference(translate(network, frames, seed=1), first) > 0.05


def without_norms(network):
    for layer in network.modules():
        if isinstance(layer, InstanceNorm):
            layer.forward = lambda x: x
    return network


@pytest.mark.parametrize("changes", [{}, {"temporal_stride": 1}, {"blocks": 3}])
def test_reach_is_how_far_a_frame_is_felt(changes):
    network = without_norms(generator(**changes)).double()
    middle, far = 128, reach(network)
    clip = torch.zeros(1, 1, 256, 8, 8, dtype=torch.float64)
    bumped = clip.clone()
    bumped[:, :, middle : middle + 4] = 1  # one frame of the coarsest layer
    with torch.inference_mode():
        felt = (network(bumped) != network(clip)).amax(dim=(0, 1, 3, 4)).nonzero()[:, 0]
    first, last = middle - int(felt.min()), int(felt.max()) - (middle + 3)
    assert max(first, last) <= far
    assert max(first, last) > far - 2 * network.multiple[0]


def test_reach_of_the_published_networks():
    assert reach(Generator(GeneratorParameters())) == 3 + 1 + 2 + 12 * 4 + 2 + 1 + 3
    assert reach(Generator(GeneratorParameters(temporal_stride=1))) == 3 + 1 + 1 + 12 + 1 + 1 + 3
    assert reach(Generator(GeneratorParameters(kernel="single"))) == 0


@given(
    st.integers(1, 3000),
    st.floats(1e8, 2e9),
    st.sampled_from(["whole", "clip"]),
    st.sampled_from([1, 2]),
)
def test_a_plan_covers_every_frame_within_the_memory(total, memory, statistics, stride):
    network = generator(temporal_stride=stride)
    step, margin = network.multiple[0], reach(network)
    how = plan(network, (total, 64, 64), statistics=statistics, memory=memory)
    assert how.memory <= memory
    padded = max(-(-total // step) * step, network.smallest[0])
    seen = np.zeros(padded, int)
    for piece in how.pieces:
        seen[piece.start : piece.stop] += 1
        if statistics == "whole":
            assert piece.first == 0 or piece.first <= piece.start - margin
            assert piece.last == padded or piece.last >= piece.stop + margin
            assert piece.first % step == 0
        assert (piece.last - piece.first) % step == 0
    assert seen.min() == 1
    assert seen.max() == 1 or statistics == "clip"


def test_a_plan_goes_to_more_chunks_and_then_to_disk_as_memory_becomes_tight():
    network, shape = generator(), (1024, 32, 32)
    large = plan(network, shape)
    assert len(large.pieces) == 1
    some = plan(network, shape, memory=0.7 * large.memory)
    assert 1 < len(some.pieces) < 10
    assert not some.on_disk
    few = plan(network, shape, memory=0.3 * large.memory)
    assert few.on_disk
    assert {how.statistics for how in (large, some, few)} == {"the whole recording"}
    assert plan(generator(kernel="single"), shape).statistics == "none beyond a frame"


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_what_waits_on_disk_comes_back(precision):
    network, frames = generator(), recording(300, 16, 16)
    memory = 0.3 * plan(network, frames.shape, precision=precision).memory
    assert plan(network, frames.shape, memory=memory, precision=precision).on_disk
    whole = translate(network, frames, precision=precision)
    assert difference(translate(network, frames, memory=memory, precision=precision), whole) < 1e-3


def test_the_generator_is_left_as_it_was():
    network, frames = generator().train(), recording(48, 8, 8)
    before, random = apply(network, frames), torch.get_rng_state()
    threads = threading.active_count()
    translate(network, frames, chunk=16)
    assert network.training
    assert all("forward" not in vars(layer) for layer in network.modules())
    np.testing.assert_array_equal(torch.get_rng_state(), random)
    np.testing.assert_array_equal(apply(network, frames), before)
    assert threading.active_count() == threads


def test_what_fails_in_a_chunk_is_raised_and_ends_the_others():
    class Fails(nn.Module):
        def forward(self, x):
            # of the coarsest steps, at work on chunks, not in the plan's tiny pass on time 32 / 4
            if x.shape[2] < 20:
                raise RuntimeError("not enough memory")
            return x

    network, threads = generator(temporal_stride=1), threading.active_count()
    plan_only = plan(network, (96, 8, 8), chunk=48)
    assert len(plan_only.pieces) == 2
    network.layers[9].forward = Fails().forward
    with pytest.raises(RuntimeError, match="not enough memory"):
        translate(network, recording(96, 8, 8), chunk=48)
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        (
            np.zeros((4, 4)),
            {},
            r"velocity has the shape \(4, 4\); a filled \(time, depth, lateral\)",
        ),
        (np.zeros((0, 8, 8)), {}, r"velocity has the shape \(0, 8, 8\)"),
        (np.full((8, 8, 8), np.nan), {}, "velocity is nan at .time, depth, lateral. = .0, 0, 0."),
        (
            np.zeros((8, 8, 8)),
            {"statistics": "batch"},
            "statistics = 'batch': allowed are 'whole', 'clip'",
        ),
        (
            np.zeros((8, 8, 8)),
            {"precision": "16"},
            "precision = '16': allowed are 'bf16-mixed', '32-true'",
        ),
        (np.zeros((8, 8, 8)), {"chunk": 4}, "chunk = 4: allowed is a whole number of at least 8"),
        (np.zeros((8, 8, 8)), {"chunk": True}, "chunk = True: allowed is a whole number"),
        (
            np.zeros((99, 64, 64)),
            {"memory": 1e5},
            r"memory = 0.0001 GB: .* of 64 x 64 pixels, take .* GB; give more",
        ),
    ],
)
def test_what_cannot_be_translated_is_named(frames, options, message):
    with pytest.raises(ValueError, match=message):
        translate(generator(), frames, **options)
