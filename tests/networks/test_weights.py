from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from musclelib.networks.light_generator import LightGenerator, OneSidedParameters
from musclelib.networks.resnet_generator import Generator, GeneratorParameters
from musclelib.networks.weights import (
    WeightsError,
    card_line,
    digest,
    generators,
    load_generator,
    save_generator,
)

SHIPPED = Path(__file__).parents[2] / "data" / "weights"
SMALL = GeneratorParameters(features=2, blocks=1)


@pytest.fixture(params=["3d", "2d", "light"])
def generator(request):
    if request.param == "light":
        return LightGenerator(OneSidedParameters(features=2, blocks=1))
    frames = "clip" if request.param == "3d" else "single"
    return Generator(
        GeneratorParameters(features=2, blocks=1, frames=frames, noise=True, limit=None)
    )


def test_a_generator_comes_back_as_it_was_written(generator, tmp_path):
    save_generator(generator, tmp_path / "new" / "a.safetensors", step="12")
    back = load_generator(tmp_path / "new" / "a.safetensors")
    assert type(back) is type(generator)
    assert back.settings == generator.settings
    assert not back.training
    clip = torch.randn(1, 1, 8, 16, 16)
    for network in (generator, back):
        torch.manual_seed(0)
        network.result = network(clip).detach()
    np.testing.assert_array_equal(back.result, generator.result)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.safetensors"]


def test_hash_tells_weights_and_parameters_apart(generator):
    first = digest(generator)
    assert digest(generator.eval()) == first
    next(generator.parameters()).data += 1
    assert digest(generator) != first
    plain, limited = (
        Generator(GeneratorParameters(features=2, blocks=1, limit=limit)) for limit in (None, 1.0)
    )
    limited.load_state_dict(plain.state_dict())
    assert digest(plain) != digest(limited)


def test_what_is_no_generator_is_refused(generator, tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(WeightsError, match=r"a.safetensors: there is no such file"):
        load_generator(path)
    save_generator(generator, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    with pytest.raises(WeightsError, match=r"a.safetensors: cannot be read as safetensors"):
        load_generator(path)
    torch.save(generator.state_dict(), path)
    with pytest.raises(WeightsError, match=r"a.safetensors: cannot be read as safetensors"):
        load_generator(path)
    path.write_bytes(whole)
    tensors = load_file(path)
    save_file(tensors, path)
    with pytest.raises(WeightsError, match="kind None; allowed are Generator, LightGenerator"):
        load_generator(path)
    kind = type(generator).__name__
    for parameters in ('{"features": 3}', '{"features": -1}', '{"colour": 1}', "[", "{}"):
        save_file(tensors, path, {"kind": kind, "parameters": parameters})
        with pytest.raises(WeightsError, match=f"not the weights of a {kind}") as caught:
            load_generator(path)
        assert "\n" not in str(caught.value)


def test_a_file_that_its_card_does_not_describe_is_refused(tmp_path):
    path = tmp_path / "mine.safetensors"
    torch.manual_seed(0)
    save_generator(Generator(SMALL), path)
    assert load_generator(path)  # without a card
    path.with_suffix(".md").write_text(f"# mine\n\n{card_line(path)}\n")
    assert load_generator(path)
    save_generator(Generator(SMALL), path)  # other weights
    with pytest.raises(WeightsError, match=r"is not the file that mine\.md beside it describes"):
        load_generator(path)


def test_every_file_of_weights_is_the_one_of_its_card():
    for path in sorted(SHIPPED.glob("*/*.safetensors")):
        card = path.with_name(f"{path.stem.removesuffix('-back')}.md")
        assert card_line(path) in card.read_text().splitlines(), path.name


def test_generators_are_told_from_other_networks():
    found = generators(SHIPPED / "translation")
    assert {"2d", "2d-back", "one-sided"} <= set(found)
    assert not {"reader", "detector", "twitch", "firings"} & set(found)
    assert found["2d"] == SHIPPED / "translation" / "2d.safetensors"
