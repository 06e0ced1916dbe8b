from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from musclelib.networks.light_generator import LightGenerator, LightGeneratorParameters
from musclelib.networks.mask_rcnn import DETECTORS, Detector
from musclelib.networks.resnet_generator import Generator, GeneratorParameters
from musclelib.networks.twitch import TWITCH_NETWORKS, TwitchNetwork
from musclelib.networks.weights import WeightsError, about, card_line, digest, files, load, save

SHIPPED = Path(__file__).parents[2] / "data" / "weights"
SMALL = GeneratorParameters(features=2, blocks=1)
NARROW = TWITCH_NETWORKS["light"].changed(features=2, dense=8, states=4)


@pytest.fixture(params=["3d", "2d", "light"])
def generator(request):
    if request.param == "light":
        return LightGenerator(LightGeneratorParameters(features=2, blocks=1))
    kernel = "clip" if request.param == "3d" else "single"
    return Generator(
        GeneratorParameters(features=2, blocks=1, kernel=kernel, noise=True, limit=None)
    )


def test_a_generator_comes_back_as_it_was_written(generator, tmp_path):
    save(generator, tmp_path / "new" / "a.safetensors", step="12")
    back = load(tmp_path / "new" / "a.safetensors")
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


def test_what_is_no_network_is_refused(generator, tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(WeightsError, match=r"a.safetensors: there is no such file"):
        load(path)
    save(generator, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    with pytest.raises(WeightsError, match=r"a.safetensors: cannot be read as safetensors"):
        load(path)
    torch.save(generator.state_dict(), path)
    with pytest.raises(WeightsError, match=r"a.safetensors: cannot be read as safetensors"):
        load(path)
    path.write_bytes(whole)
    tensors = load_file(path)
    save_file(tensors, path)
    with pytest.raises(WeightsError, match="kind None; allowed: Generator, LightGenerator"):
        load(path)
    kind = type(generator).__name__
    for parameters in ('{"features": 3}', '{"features": -1}', '{"colour": 1}', "[", "{}"):
        save_file(tensors, path, {"kind": kind, "parameters": parameters})
        with pytest.raises(
            WeightsError, match=f"not the weights of this version's {kind}"
        ) as caught:
            load(path)
        assert "\n" not in str(caught.value)


def test_a_file_that_its_card_does_not_describe_is_refused(tmp_path):
    path = tmp_path / "mine.safetensors"
    torch.manual_seed(0)
    save(Generator(SMALL), path)
    assert load(path)  # without a card
    path.with_suffix(".md").write_text(f"# mine\n\n{card_line(path)}\n")
    assert load(path)
    save(Generator(SMALL), path)  # other weights
    with pytest.raises(WeightsError, match=r"is not the file that mine\.md beside it describes"):
        load(path)


def test_every_file_of_weights_is_the_one_of_its_card():
    for path in sorted(SHIPPED.glob("*/*.safetensors")):
        card = path.with_name(f"{path.stem.removesuffix('-back')}.md")
        assert card_line(path) in card.read_text().splitlines(), path.name


def test_generators_are_told_from_other_networks():
    found = files(SHIPPED / "translation", Generator, LightGenerator)
    assert {"2d", "2d-back", "one-sided"} <= set(found)
    assert not {"reader", "detector", "twitch", "firings"} & set(found)
    assert found["2d"] == SHIPPED / "translation" / "2d.safetensors"


def test_a_twitch_network_survives_up_to_half_precision(tmp_path):
    network = TwitchNetwork(NARROW).eval()
    save(network, tmp_path / "deep" / "twitch.safetensors", half=True, steps="7")
    back = load(tmp_path / "deep" / "twitch.safetensors", TwitchNetwork)
    assert back.settings == NARROW
    assert not back.training
    assert about(tmp_path / "deep" / "twitch.safetensors") == {"steps": "7"}
    for name, value in network.state_dict().items():
        there = back.state_dict()[name]
        assert there.dtype == value.dtype
        assert torch.equal(there, value.half().float() if value.dim() > 1 else value), name


def test_a_detector_survives(tmp_path):
    detector = Detector(DETECTORS["light"].changed(stages=1, channels=8, hidden=16))
    detector.rcnn.backbone.fusion.layers[1].running_var.fill_(1e-7)
    save(detector, tmp_path / "detector.safetensors", half=True)
    back = load(tmp_path / "detector.safetensors", Detector)
    assert back.settings == detector.settings
    # moments are kept in full
    assert float(back.rcnn.backbone.fusion.layers[1].running_var[0]) == pytest.approx(1e-7)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "twitch.safetensors"
    with pytest.raises(WeightsError, match="there is no such file"):
        load(path, Detector)
    save(TwitchNetwork(NARROW), path)
    with pytest.raises(WeightsError, match="kind 'TwitchNetwork'; allowed: Detector"):
        load(path, Detector)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        load(path, TwitchNetwork)
