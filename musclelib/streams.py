"""Random streams: their purposes, and their construction from a seed and indices."""

from __future__ import annotations

from enum import IntEnum
from numbers import Integral

import numpy as np

from musclelib.parameters import ParameterError

_WORD = 2**32  # a seed sequence splits larger numbers into several words


class Purpose(IntEnum):
    """The purpose of a random stream; comments name its seed, index and part.

    Stores and weights depend on these numbers: a number is never given to another purpose. No
    purpose is 0, the value with which a seed sequence pads.
    """

    # simulator
    POOL = 1  # motor units of a sequence: set, sequence
    FIRING = 2  # their firings: set, sequence
    VELOCITY_NOISE = 3  # noise of a velocity that is simulated without echoes: set, sequence
    TISSUE = 4  # layers, fascicles, vessels: set, sequence
    SCATTERERS = 5  # their places and amplitudes: set, sequence
    DECORRELATION = 6  # drift of the tissue through the image plane: set, sequence
    ECHO_NOISE = 7  # electronic noise of a frame: set, sequence, frame
    TREMOR = 8  # tremor that is added to a finished sequence: set, sequence
    MECHANICS = 10  # strength, stiffness and drive of a participant: set, participant
    TRIAL = 11  # errors of following, EMG and sway of a trial: set, trial, task
    ANATOMY = 12  # leg of a participant: set, participant
    LONGITUDINAL_SCATTERERS = 13  # its scatterers: set, participant
    PROBE_MOTION = 14  # motion of the probe and out of the image plane: set, trial
    B_MODE_NOISE = 15  # electronic noise of a frame: set, trial, frame

    # training
    FIRST_WEIGHTS = 20  # networks before training: run
    NETWORK_NOISE = 21  # noise drawn within networks: run, step, device
    CLIPS_A = 22  # clips of domain A: run, step, place in the batches of all devices
    CLIPS_B = 23  # clips of domain B: as for domain A
    PAST_FAKES = 24  # the history that a discriminator learns from: run, number of the history

    # translation
    INJECTED_NOISE = 40  # noise that a generator injects: translated set, sequence
    HIDDEN_NOISE = 41  # noise that is added between the way there and the way back: test

    # identification
    SIMULATED_EXAMPLE = 60  # choice and flips of a simulated sequence: run, example
    FIRING_LENGTH = 61  # frames of simulated twitch trains: run, step
    FIRING_EXAMPLE = 62  # what is peculiar to a pool of twitch trains: run, pool
    LABELLED_COMPONENT = 63  # choice, flips and shift of a separated component: run, example
    FULL_FIELD_START = 64  # starting maps of the method "full-field": sequence
    PLAIN_START = 65  # first unmixing of the method "plain": sequence
    RIMS_START = 66  # first unmixing of rims: sequence
    RIMS_DITHER = 67  # dither of a sequence that has hardly any noise: sequence
    INFOMAX_START = 68  # first unmixing of infomax: sequence

    # muscle state
    FRAME_PAIRS = 100  # pairs of frames, or rows of features, of a batch: run, example
    INTEGRATION_POINTS = 101  # first means of the K-means over corners: training set
    OPTIMISED_INPUTS = 102  # noise from which an input is optimised: layer, unit
    STATE_WINDOWS = 105  # windows of the sequences of a state estimator's batch: run, example
    TRANSFER_CLIPS = 106  # recorded clips that a network from simulation is tuned on: run

    # metrics
    BOOTSTRAP = 80  # resampling of repeats: table


def stream(purpose: Purpose, seed: int, index: int = 0, part: int = 0) -> np.random.Generator:
    """Return the random stream of a purpose, a seed and indices: no two of them coincide.

    Their four numbers fill the four words of a `numpy.random.SeedSequence` exactly. It maps four
    words onto its state one to one, so that different numbers give different states.

    Parameters
    ----------
    purpose : Purpose
        Purpose of the stream.
    seed : int
        Seed of the set, run or method.
    index, part : int
        Numbers within the set, such as that of a sequence and that of a frame.

    Raises
    ------
    ParameterError
        A number is not whole, is negative or does not fit into 32 bits.
    """
    return np.random.default_rng(_sequence(purpose, seed, index, part))


def torch_seed(purpose: Purpose, seed: int, index: int = 0, part: int = 0) -> int:
    """Return 64 bits for `torch.manual_seed`, of the same state as `stream`.

    They are a part of the state: two of them agree by chance, once in 2**64 pairs. PyTorch's
    generator on the CPU takes the lower 32 bits only.

    Raises
    ------
    ParameterError
        As `stream`.
    """
    return int(_sequence(purpose, seed, index, part).generate_state(1, np.uint64)[0])


def _sequence(purpose: Purpose, *numbers: int) -> np.random.SeedSequence:
    for name, number in zip(("seed", "index", "part"), numbers, strict=True):
        if isinstance(number, bool) or not isinstance(number, Integral) or not 0 <= number < _WORD:
            raise ParameterError(
                f"{name} = {number!r} of the random stream {Purpose(purpose).name}: allowed is a"
                f" whole number from 0 to {_WORD - 1}"
            )
    return np.random.SeedSequence((*map(int, numbers), Purpose(purpose).value))
