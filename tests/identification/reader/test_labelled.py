import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from musclelib import sequences, simulator
from musclelib.identification.objectives import Reading
from musclelib.identification.reader.labelled import LabelledComponents, ReadingValidation, labelled
from musclelib.metrics.matching import match
from musclelib.networks.territory_reader import ReaderParameters
from musclelib.parameters import ParameterError


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("labelled") / "set.zarr"
    parameters = simulator.preset(
        "paper2", units=(4, 6), profile="gaussian", noise_snr=(30.0, 30.0)
    )
    simulator.generate(path, parameters, 2, seed=5)
    return path


@pytest.fixture(scope="module")
def sets(store):
    return labelled(store)


def test_every_unit_is_behind_one_best_component(sets):
    for one in sets:
        assert sorted(one.behind[one.best]) == list(range(len(one.territory)))
        for component in np.flatnonzero(one.best):
            inside = one.territory[one.behind[component]]
            image = one.components.images[component, 1]
            assert image[inside].mean() > 0.3 > image[~inside].mean()


def test_one_sequence_alone_is_the_same(store, sets):
    (alone,) = labelled(store, [1])
    np.testing.assert_array_equal(alone.components.images, sets[1].components.images)


def test_batches_depend_on_the_step_alone_and_share_devices(sets):
    whole = LabelledComponents(sets, 4, seed=1)
    shared = [LabelledComponents(sets, 2, 1, rank, 2) for rank in (0, 1)]
    for values, *parts in zip(whole[3], *(half[3] for half in shared), strict=True):
        torch.testing.assert_close(values, torch.cat(parts))
    assert not torch.equal(whole[3][0], whole[4][0])
    images, territory, known, unit = whole[0]
    assert (images.shape, territory.shape, known.shape, unit.shape) == (
        (4, 5, 64, 64),
        (4, 64, 64),
        (4,),
        (4,),
    )


def test_images_and_territories_are_turned_alike(sets):
    for step in range(5):
        images, territory, known, _ = LabelledComponents(sets, 8, seed=2)[step]
        for image, mask in zip(images[known > 0, 1], territory[known > 0] > 0.5, strict=True):
            assert image[mask].mean() > image[~mask].mean()


def test_validation_counts_as_matching_does(sets):
    objective = Reading(ReaderParameters(features=4)).eval()
    with torch.no_grad():
        objective.network.mask.weight.zero_()
        objective.network.mask.bias.fill_(1)  # all is one unit's
        objective.network.score[-1].bias.fill_(50)
    found = ReadingValidation(sets)(objective)
    whole = np.ones((1, 64, 64), bool)
    hits = sum(len(match(one.territory, whole).true) for one in sets)
    units = sum(len(one.territory) for one in sets)
    assert found == {
        "recall": hits / units,
        "precision": hits / 2,
        "score": 1 - 2 * hits / (units + 2),
    }


def test_what_has_no_labels_is_refused(tmp_path, store, sets):
    dataset = sequences.open(store).drop_vars("territory")
    sequences.write(dataset, tmp_path / "bare.zarr")
    with pytest.raises(sequences.SequenceError, match=r"bare\.zarr: has no 'territory'"):
        labelled(tmp_path / "bare.zarr")
    with pytest.raises(ParameterError, match="0 of fields"):
        LabelledComponents([], 2, 0)


def test_sequences_without_units_can_be_validated_on(sets):
    rest = sets[0]._replace(territory=sets[0].territory[:0])
    objective = Reading(ReaderParameters(features=4)).eval()
    with torch.no_grad():
        objective.network.score[-1].bias.fill_(-50)  # nothing is a unit
    assert ReadingValidation([rest])(objective)["score"] == 0


def test_batches_survive_a_worker(sets):
    examples = LabelledComponents(sets, 4, seed=1)
    torch.testing.assert_close(pickle.loads(pickle.dumps(examples))[3], examples[3])


def test_a_digest_is_of_sequences_not_of_the_rounding_of_their_components(tmp_path):
    parameters = simulator.preset("paper2", units=(3, 3), profile="gaussian")
    for seed, name in enumerate("ab"):
        simulator.generate(tmp_path / f"{name}.zarr", parameters, 2, seed=seed)
    first, *others = [
        labelled(tmp_path / f"{name}.zarr", numbers)
        for name, numbers in (("a", [0]), ("a", [1]), ("b", [0]), ("a", [0, 1]))
    ]
    components = first[0].components
    rounded = replace(components, images=components.images * np.float32(1 + 1e-6))
    moved = first[0]._replace(territory=first[0].territory[:, ::-1])
    digests = [
        LabelledComponents(sets, 2, 0).digest
        for sets in (first, [first[0]._replace(components=rounded)], [moved], *others)
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 5
