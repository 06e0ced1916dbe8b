import json
import subprocess
import sys
from pathlib import Path

import pytest

from musclelib import simulator
from musclelib.__main__ import change, main, recipe, recipes
from musclelib.networks import weights
from musclelib.training.checkpoint import read

ROOT = Path(__file__).parents[1]

SMALL = {
    "settings.features": 2,
    "settings.discriminator_features": 2,
    "stages.*.training.precision": "32-true",
    "stages.*.training.device": "cpu",
    "tests": 1,
}


def test_one_command_trains_and_goes_on_and_one_ships(tmp_path, small):
    stores = [tmp_path / "a.zarr", tmp_path / "b.zarr"]
    for seed, store in enumerate(stores):
        simulator.generate(store, small.changed(pixels=(24, 24)), 3, seed=seed)
    run, target = tmp_path / "run", tmp_path / "weights" / "mine"
    for steps in (1, 2):
        changes = SMALL | {"stages.*.training.steps": steps}
        flags = [part for path, value in changes.items() for part in ("--set", f"{path}={value}")]
        command = [sys.executable, "-m", "musclelib", "train", "one-sided", run, *stores, *flags]
        subprocess.run(command, check=True, capture_output=True)
    assert read(run / "all" / "last.safetensors")[1]["step"] == 2
    main(["ship", str(run), str(target), "--note", "a test"])
    facts = weights.about(target.with_suffix(".safetensors"))
    assert (facts["steps"], facts["note"]) == ("2 (all)", "a test")
    # what was shipped can be trained again
    assert recipe(str(target.with_suffix(".json"))).settings.features == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "four-sided", "run"], "musclelib train: recipe 'four-sided': allowed are 2d,"),
        (["train", "twitch", "run", "a.zarr"], "a.zarr: there is no zarr store of that name"),
        (["train", "twitch", "run", "--set", "stages.*.colour=1"], "there is no 'colour'; allowed"),
        (["train", "twitch", "run", "--set", "settings.features=-1"], "features = -1: allowed is"),
        (["ship", "run", "mine"], "musclelib ship: run: is no run of a recipe"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert message in str(caught.value.code)
    assert "\n" not in str(caught.value.code)
    assert not (tmp_path / "run").exists()


def test_recipes_are_listed_and_printed(capsys):
    main(["recipes"])
    assert {line.split(":")[0] for line in capsys.readouterr().out.splitlines()} == set(recipes())
    main(["recipes", "reader"])
    assert json.loads(capsys.readouterr().out)["stages"][0]["training"]["batch"] == 16


def test_a_change_is_json_or_a_text():
    assert change("a.b=1.5") == ("a.b", 1.5)
    assert change("crop=null") == ("crop", None)
    assert change("pretrained=coco") == ("pretrained", "coco")


def test_shipped_weights_lie_beside_their_recipe_and_card():
    files = sorted((ROOT / "data" / "weights").glob("*/*.safetensors"))
    assert len(files) > 10
    for path in files:
        base = path.with_name(path.stem.removesuffix("-back"))
        assert base.with_suffix(".md").is_file()
        made = recipe(str(base.with_suffix(".json")))
        network = weights.load(path)
        settings = json.loads(network.settings.to_json())
        # what the recipe says is what the file holds
        for name, value in json.loads(made.settings.to_json()).items():
            assert settings.get(name, value) == value or name == "noise", (path.name, name)
