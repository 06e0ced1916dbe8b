import cv2
import numpy as np
import pytest

from musclelib.muscle_state.region import ContourFinder, boundary_error, contour_from_curves

SUBPIXEL = 0.5


@pytest.fixture(scope="module")
def trained(scenes):
    frames, curves = scenes(60, 0)
    true = np.stack([contour_from_curves(*pair) for pair in curves])
    return ContourFinder.fit(frames, true)


@pytest.fixture(scope="module")
def unseen(scenes):
    frames, curves = scenes(12, 1000)
    return frames, np.stack([contour_from_curves(*pair) for pair in curves])


def mean_error(found, true):
    return np.abs(boundary_error(found.contours, true)).mean(axis=1)


def test_known_contours_are_found_within_a_fraction_of_a_pixel(trained, unseen):
    frames, true = unseen
    found = trained.find(frames)
    assert mean_error(found, true).max() < SUBPIXEL
    assert found.confidence.min() > 0.9


@pytest.mark.parametrize("shift", [-14, 9, 25])
def test_a_shifted_muscle_is_followed(trained, unseen, shift):
    frames, true = unseen
    shifted = np.roll(frames, shift, axis=1)
    found = trained.find(shifted)
    assert mean_error(found, true + np.array([shift, 0])).max() < SUBPIXEL


def test_a_mirrored_muscle_is_found_by_a_finder_of_mirrored_frames(scenes, unseen):
    frames, curves = scenes(60, 0)
    turned = np.stack([contour_from_curves(*(curve[::-1] for curve in pair)) for pair in curves])
    finder = ContourFinder.fit(frames[:, :, ::-1], turned)
    frames, true = unseen
    mirrored = np.concatenate([true[:, 19::-1], true[:, :19:-1]], axis=1)
    mirrored[..., 1] = frames.shape[2] - 1 - mirrored[..., 1]
    found = finder.find(frames[:, :, ::-1])
    assert mean_error(found, mirrored).max() < SUBPIXEL


def test_gain_does_not_matter(trained, unseen):
    frames, true = unseen
    found = trained.find((0.4 * frames).astype(np.uint8))
    assert mean_error(found, true).max() < SUBPIXEL


@pytest.mark.parametrize("kind", ["blank", "white", "noise", "negative", "muscle half gone"])
def test_what_is_no_muscle_gets_low_confidence_and_is_refused(trained, unseen, kind):
    frames, _ = unseen
    rng = np.random.default_rng(0)
    other = {
        "blank": np.zeros_like(frames),
        "white": np.full_like(frames, 255),
        "noise": rng.integers(0, 255, frames.shape).astype(np.uint8),
        "negative": 255 - frames,
        # the superficial aponeurosis has left the picture at the top
        "muscle half gone": np.pad(frames[:, 100:], [(0, 0), (0, 100), (0, 0)], mode="reflect"),
    }[kind]
    found = trained.find(other)
    assert found.confidence.max() < 0.6
    with pytest.raises(ValueError, match=r"confidence of 0\.7 in 0% of the frames"):
        found.trusted()


def test_frames_of_another_size_are_refused(trained, unseen):
    with pytest.raises(ValueError, match=r"\(time, 260, 360\) is needed"):
        trained.find(unseen[0][:, :100])


def test_a_single_corrupt_frame_is_the_only_one_not_trusted(trained, unseen):
    frames = unseen[0].copy()
    frames[5] = 0
    found = trained.find(frames)
    assert np.flatnonzero(found.confidence < 0.7).tolist() == [5]
    assert len(found.trusted()) == len(frames) - 1


def test_a_finder_learns_from_a_sequence_without_annotations(unseen, scenes):
    frames, true = unseen
    found = ContourFinder.from_bands(np.concatenate([frames, scenes(20, 50)[0]])).find(frames)
    assert mean_error(found, true).max() < 1
    assert found.confidence.min() > 0.7


@pytest.mark.parametrize("kind", ["blank", "speckle", "one band"])
def test_a_sequence_without_aponeuroses_is_refused(kind):
    rng = np.random.default_rng(0)
    speckle = np.stack([
        cv2.GaussianBlur(rng.rayleigh(60, (260, 360)), (0, 0), sigmaX=3, sigmaY=1)
        for _ in range(5)
    ])  # fmt: skip
    if kind == "blank":
        speckle[:] = 7
    elif kind == "one band":
        speckle[:, 40:52] *= 4
    with pytest.raises(ValueError, match="two aponeuroses are seen in 0 of 5 frames"):
        ContourFinder.from_bands(speckle.clip(0, 255).astype(np.uint8))


def test_a_saved_finder_finds_the_same(trained, unseen, tmp_path):
    trained.save(tmp_path / "finder.safetensors")
    loaded = ContourFinder.load(tmp_path / "finder.safetensors")
    for one, other in zip(loaded.find(unseen[0]), trained.find(unseen[0]), strict=True):
        assert np.array_equal(one, other)


def test_another_file_is_no_finder(tmp_path):
    (tmp_path / "text").write_text("nothing of the kind, and long enough for a header")
    with pytest.raises(ValueError, match="holds no contour finder"):
        ContourFinder.load(tmp_path / "text")
    with pytest.raises(ValueError, match="there is no file"):
        ContourFinder.load(tmp_path / "missing")


def test_an_empty_sequence_is_refused(trained, unseen):
    with pytest.raises(ValueError, match="is needed, as in the training"):
        trained.find(unseen[0][:0])
