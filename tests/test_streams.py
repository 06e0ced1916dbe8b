import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from musclelib.parameters import ParameterError
from musclelib.streams import Purpose, stream, torch_seed

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
WORD = 2**32
# small numbers, the trap of padding with zeros, as often as large ones
WORDS = st.one_of(st.integers(0, 3), st.integers(0, WORD - 1), st.integers(WORD - 3, WORD - 1))
KEYS = st.tuples(st.sampled_from(Purpose), WORDS, WORDS, WORDS)


def state(*key):
    """Four words of a stream's state, as its generator takes them."""
    return tuple(map(int, stream(*key).bit_generator.seed_seq.generate_state(4)))


def study_seeds():
    """Every seed that a notebook or a scale of the study names."""
    seeds = {0, 1_000_003}
    for path in (NOTEBOOKS / "params").glob("*.yaml"):
        for parameters in yaml.safe_load(path.read_text()).values():
            seeds |= {value for name, value in (parameters or {}).items() if name == "seed"}
    for path in NOTEBOOKS.glob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            found = re.findall(r"^seed: int = (\d+)", "".join(cell["source"]), re.MULTILINE)
            seeds |= set(map(int, found))
    return sorted(seeds)


def test_no_two_streams_of_a_study_coincide():
    seeds = study_seeds()
    assert {1, 3, 101, 202} <= set(seeds)
    keys = [
        (purpose, seed, index, part)
        for purpose in Purpose
        for seed in seeds
        for index in [*range(40), 999, 499_999]
        for part in (0, 1, 2, 7, 4095)
    ]
    assert len({state(*key) for key in keys}) == len(keys) > 30_000


def test_torch_seeds_of_a_study_are_distinct_too():
    keys = [
        (purpose, seed, step, device)
        for purpose in Purpose
        for seed in study_seeds()
        for step in range(50)
        for device in (0, 1)
    ]
    assert len({torch_seed(*key) for key in keys}) == len(keys)


@given(KEYS)
def test_purpose_seed_and_indices_can_be_read_back_from_the_state(key):
    purpose, *numbers = key
    assert unmixed(state(*key)) == [*numbers, purpose]


@given(KEYS, KEYS)
def test_different_numbers_give_different_states(one, other):
    assert (state(*one) == state(*other)) == (one == other)


def test_a_stream_is_made_again_and_its_indices_are_zero_by_default():
    draws = stream(Purpose.POOL, 3, 7).random(5)
    np.testing.assert_array_equal(stream(Purpose.POOL, 3, 7, 0).random(5), draws)
    np.testing.assert_array_equal(stream(Purpose.POOL, np.int64(3), np.uint8(7)).random(5), draws)
    assert torch_seed(Purpose.POOL, 3) == torch_seed(Purpose.POOL, 3, 0, 0)
    assert not np.array_equal(stream(Purpose.FIRING, 3, 7).random(5), draws)


def test_purposes_have_numbers_of_their_own_above_zero():
    numbers = [purpose.value for purpose in Purpose.__members__.values()]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) > 0
    assert max(numbers) < WORD


@pytest.mark.parametrize("value", [-1, WORD, 1.0, True, "1", None])
@pytest.mark.parametrize(("place", "name"), [(0, "seed"), (1, "index"), (2, "part")])
def test_numbers_that_do_not_fit_are_refused_in_one_line(place, name, value):
    numbers = [1, 1, 1]
    numbers[place] = value
    for make in (stream, torch_seed):
        with pytest.raises(ParameterError, match=rf"^{name} = .*TREMOR: .*0 to 4294967295$"):
            make(Purpose.TREMOR, *numbers)


def test_a_number_that_is_no_purpose_is_refused():
    with pytest.raises(ValueError, match="0 is not a valid Purpose"):
        stream(0, 1)


def unmixed(words):
    """Undo the mixing of a seed sequence (O'Neill's `seed_seq_fe128`): it is one to one.

    Written from the published algorithm: multiplications by odd numbers and `x ^= x >> 16` are
    undone one after the other, last first.
    """

    def hashed(value, constant, multiplier):
        return unshifted((value ^ constant) * (constant * multiplier % WORD) % WORD)

    def unhashed(value, constant, multiplier):
        return unshifted(value) * pow(constant * multiplier, -1, WORD) % WORD ^ constant

    def unshifted(value):  # its own inverse
        return value ^ value >> 16

    def constants(constant, multiplier, count):
        return [constant * pow(multiplier, step, WORD) % WORD for step in range(count)]

    first = constants(0x43B0D7E5, 0x931E8875, 16)
    last = constants(0x8B51F9DD, 0x58F38DED, 4)
    pool = [
        unhashed(word, constant, 0x58F38DED) for word, constant in zip(words, last, strict=True)
    ]
    pairs = [(source, target) for source in range(4) for target in range(4) if source != target]
    for (source, target), constant in reversed(list(zip(pairs, first[4:], strict=True))):
        mixed = hashed(pool[source], constant, 0x931E8875) * 0x4973F715
        pool[target] = (unshifted(pool[target]) + mixed) * pow(0xCA01F9DD, -1, WORD) % WORD
    return [
        unhashed(word, constant, 0x931E8875) for word, constant in zip(pool, first[:4], strict=True)
    ]
