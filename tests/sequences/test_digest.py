import numpy as np
import pytest

from musclelib import sequences, simulator
from musclelib.sequences import digest


def test_what_makes_other_sequences_makes_another_digest(dataset):
    first = digest(dataset)
    assert digest(dataset.copy(deep=True)) == first
    moved = dataset.assign_coords(depth=dataset.depth + 1)
    louder = dataset.assign(velocity=1.001 * dataset.velocity)
    changed = [
        dataset.isel(sequence=slice(2)),
        moved,
        louder,
        dataset.assign_attrs(source="another"),
    ]
    assert len({first, *map(digest, changed)}) == 5


def test_it_is_of_the_variable_asked_for(dataset):
    grey = dataset.assign(
        intensity=dataset.velocity.copy(data=np.zeros(dataset.velocity.shape, np.float32))
    )
    assert digest(grey) == digest(dataset)
    assert digest(grey, "intensity") != digest(
        grey.assign(intensity=grey.intensity + 1), "intensity"
    )


def test_of_sequences_with_moments_no_frame_is_read(tmp_path, small):
    simulator.generate(tmp_path / "a.zarr", small, 2, seed=1)
    opened = sequences.open(tmp_path / "a.zarr")
    held = digest(opened.load())
    lazy = sequences.open(tmp_path / "a.zarr")
    for shard in (tmp_path / "a.zarr" / "velocity" / "c").rglob("*"):
        if shard.is_file():
            shard.write_bytes(b"")
    assert digest(lazy) == held
    simulator.generate(tmp_path / "b.zarr", small, 2, seed=2)
    assert digest(sequences.open(tmp_path / "b.zarr")) != held
    with pytest.raises(KeyError):
        digest(opened, "intensity")
