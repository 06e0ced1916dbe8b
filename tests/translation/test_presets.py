import pytest

from musclelib.parameters import ParameterError
from musclelib.translation.models.one_sided import OneSided
from musclelib.translation.models.recyclegan import RecycleGAN
from musclelib.translation.presets import MODELS, build, parameter_table

PAPER = ["2d", "recycle", "3d", "3d-stride1", "3d-stride1-noise"]


def generator(dims, f=32, blocks=6):
    weights = 2 * 7**dims * f + 3**dims * (2 * (2 * f * f + 8 * f * f) + blocks * 2 * 16 * f * f)
    return weights + 10 * f + blocks * 8 * f + 1


def discriminator(dims, f=64):
    return 4**dims * (f + 2 * f * f + 8 * f * f + 32 * f * f + 8 * f) + 15 * f + 1


def predictor(f=32):
    down = 2 * f + 2 * f * f + 8 * f * f + 32 * f * f + 64 * f * f
    up = 64 * f * f + 2 * 32 * f * f + 2 * 8 * f * f + 2 * 2 * f * f + 2 * f
    return 16 * (down + up) + (1 + 2 + 4 + 8 + 8) * f + (8 + 4 + 2 + 1) * f + 1


def test_parameter_table_by_formula():
    table = parameter_table()
    assert list(table.index) == [*PAPER, "one-sided"]
    assert (table["all"] == table.drop(columns="all").sum(axis=1)).all()
    assert table.loc["one-sided", "all"] == sum(
        weight.numel() for weight in build("one-sided").parameters()
    )
    for name, row in table.loc[PAPER].iterrows():
        dims = 2 if name in ("2d", "recycle") else 3
        assert row["generator B to A"] == generator(dims)
        assert row["generator A to B"] == generator(dims) + (
            6 * 2 * 128 if name == "3d-stride1-noise" else 0
        )
        assert row["discriminators"] == 2 * discriminator(dims)
        assert row["predictors"] == (2 * predictor() if name == "recycle" else 0)


def test_models_are_what_their_names_say():
    assert {name: settings.name for name, settings in MODELS.items()} == {
        name: name for name in MODELS
    }
    small = {"features": 1, "blocks": 1, "discriminator_features": 1}
    models = {name: build(name, **small) for name in PAPER}
    assert [name for name, model in models.items() if isinstance(model, RecycleGAN)] == ["recycle"]
    assert [name for name, model in models.items() if model.settings.kernel == "single"] == [
        "2d",
        "recycle",
    ]
    for name, model in models.items():
        stride = 1 if "stride1" in name else 2
        assert (
            model.to_a.settings.temporal_stride
            == model.discriminator_b.settings.temporal_stride
            == stride
        )
        assert model.to_b.settings.noise == name.endswith("noise")
        assert model.to_a.settings.features == 1
    assert isinstance(build("one-sided", features=2), OneSided)


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("4d", {}, "model '4d': allowed are 2d, recycle"),
        ("3d", {"plain": True}, "no parameter 'plain'"),
    ],
)
def test_unknown_models_and_parameters_are_refused(name, changes, words):
    with pytest.raises(ParameterError, match=words):
        build(name, **changes)
