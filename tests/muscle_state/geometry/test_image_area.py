"""The ultrasound image within screens with margins, text and scales."""

import cv2
import numpy as np
import pytest

from musclelib.muscle_state.geometry import find_image_area

TOP, BOTTOM, LEFT, RIGHT = 62, 520, 112, 688


@pytest.fixture
def screen():
    """A screen of 600 x 800 pixels: a speckled image that darkens with depth, and a scale."""
    rng = np.random.default_rng(0)
    frame = np.zeros((600, 800), np.uint8)
    shade = np.linspace(1, 0.3, BOTTOM - TOP)[:, None]
    speckle = rng.rayleigh(40, (BOTTOM - TOP, RIGHT - LEFT)) * shade
    frame[TOP:BOTTOM, LEFT:RIGHT] = np.clip(speckle, 0, 255)
    frame[TOP:BOTTOM:40, 740:750] = 200
    return frame


def test_the_image_is_found_without_margins_and_scale(screen):
    assert np.abs(np.subtract(find_image_area(screen), (TOP, BOTTOM, LEFT, RIGHT))).max() <= 6


def test_a_line_of_text_above_the_image_is_left_out(screen):
    for left in range(0, 800, 90):
        cv2.putText(screen, "06:32:41PM", (left, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 220, 1)
    assert np.abs(np.subtract(find_image_area(screen), (TOP, BOTTOM, LEFT, RIGHT))).max() <= 6


def test_a_blank_screen_is_refused():
    with pytest.raises(ValueError, match="blank"):
        find_image_area(np.full((300, 300), 9, np.uint8))
