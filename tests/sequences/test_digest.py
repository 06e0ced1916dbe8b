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


def test_b_mode_without_velocity_is_known_by_frames_and_signals():
    rng = np.random.default_rng(0)

    def trials(**changes):
        variables = {
            "intensity": rng.integers(0, 255, (2, 5, 4, 3), np.uint8),
            "torque": np.ones((2, 5)),
            "subject": np.arange(2),
        }
        return sequences.build(
            variables | changes,
            time=np.arange(5) / 25,
            depth=np.arange(4.0),
            lateral=np.arange(3.0),
            domain="simulated",
            source="test",
            units={"intensity": "1"},
        )

    first = trials()
    same = first.intensity.values
    assert digest(trials(intensity=same)) == digest(first)
    changed = [
        trials(intensity=same + 1),
        trials(intensity=same, torque=2 * np.ones((2, 5))),
        trials(intensity=same, subject=np.arange(1, 3)),
    ]
    assert len({digest(first), *map(digest, changed)}) == 4
