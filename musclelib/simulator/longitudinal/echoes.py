"""B-mode frames of moving scatterers: deposit on a grid, resolve as the scanner does, compress.

A scatterer adds its amplitude, with the phase of its depth, to the pixels around it; the sum is the
echo at baseband before the scanner's limits. Its pulse (along depth) and its beam (along lateral,
wider away from the focus) are Gaussians. Speckle therefore moves and changes with the tissue.
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from musclelib.simulator.longitudinal.motion import Motion
from musclelib.simulator.longitudinal.parameters import Device, View
from musclelib.simulator.longitudinal.tissue import Tissue, seen
from musclelib.streams import Purpose, stream

_SOUND_SPEED = 1.54e6  # [mm/s]
_PADDING = 12  # pixels around the view, so that pulses enter it from outside


class Scanner:
    """A scanner above a leg, which makes any frame of a motion on its own.

    Parameters
    ----------
    tissue : Tissue
        The leg.
    motion : Motion
        Its motion, one value a frame.
    view : View
        Grid of the images.
    device : Device
        The scanner.
    seed, index : int
        Seed of the set and number of the trial, for the electronic noise.
    """

    def __init__(
        self, tissue: Tissue, motion: Motion, view: View, device: Device, seed: int, index: int,
        *, _reference: float | None = None,
    ) -> None:  # fmt: skip
        self.motion, self.view, self.device = motion, view, device
        self._seed, self._index = seed, index
        anatomy = tissue.layers.anatomy
        step = np.asarray(view.pixel_size)
        rows, columns = np.asarray(view.pixels) + 2 * _PADDING
        columns = scipy.fft.next_fast_len(int(columns))
        self._shape = int(rows), int(columns)

        # the view: where its middle column begins, and how it is turned
        self._turn, self._top = 0.0, 0.0
        if view.aligned:
            self._turn = float(np.radians((anatomy.superficial_tilt + anatomy.deep_tilt) / 2))
            middle = float(tissue.layers.superficial(0) + tissue.layers.thickness(0) / 2)
            self._top = middle * np.cos(self._turn) - view.size[0] / 2
        depth = self._top + (np.arange(rows) - _PADDING) * step[0]

        wavelength = _SOUND_SPEED / device.frequency
        self._wavenumber = np.float32(4 * np.pi / wavelength)
        # SD of the pulse's envelope by its band at -6 dB, and of the beam by its aperture and focus
        pulse = np.sqrt(2 * np.log(2)) / (np.pi * device.bandwidth * device.frequency)
        self._pulse = pulse * _SOUND_SPEED / 2 / step[0]
        spread = 1 + (np.abs(depth - device.focus) / (1.6 * device.focus)) ** 2
        beam = 0.45 * wavelength * device.f_number * np.sqrt(spread) / step[1]
        wave = scipy.fft.fftfreq(self._shape[1]) * 2 * np.pi
        self._lateral = np.exp(-((beam[:, None] * wave) ** 2) / 2).astype(np.float32)
        if device.clutter > -100:
            wide = np.exp(-((8 * beam[:, None] * wave) ** 2) / 2)
            self._lateral += np.float32(10 ** (device.clutter / 20) * 4) * wide.astype(np.float32)

        # loss on the way there and back, as far as the gain does not restore it; the bone's shadow
        loss = anatomy.attenuation * device.frequency * 1e-6 * np.maximum(depth, 0) / 10 * 2
        self._loss = (10 ** (-loss / 20))[:, None].astype(np.float32)
        gain = 10 ** (device.gain_per_depth * loss / 20)
        self._gain = np.clip(gain, 1, 10**2.5)[:, None].astype(np.float32)
        self._whole_tissue = tissue
        self.tissue = tissue.within(view, self._turn, self._top)
        self._reference = _reference or self._whole()

    def __len__(self) -> int:
        return len(self.motion)

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return one frame, grey values `(depth, lateral)`."""
        device = self.device
        level = 20 * np.log10(self._envelope(number) / self._reference + 1e-6)
        grey = np.clip(1 + level / device.dynamic_range, 0, 1, dtype=np.float32)
        if device.gamma != 1:
            grey **= device.gamma
        if device.lines < grey.shape[1]:  # between scan lines the image is interpolated
            few = cv2.resize(grey, (device.lines, grey.shape[0]), interpolation=cv2.INTER_AREA)
            grey = cv2.resize(few, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
        steps = device.levels - 1
        return (np.rint(grey * steps) * (255 / steps)).astype(np.uint8)

    def label_map(self) -> NDArray[np.uint8]:
        """Return the tissue of each pixel at rest, `(depth, lateral)`, by the codes of `Label`."""
        rows, columns = (np.arange(count, dtype=float) for count in self.view.pixels)
        z = self._top + rows[:, None] * self.view.pixel_size[0]
        x = (columns - (len(columns) - 1) / 2) * self.view.pixel_size[1]
        x = x + self._pivot * np.sin(self._turn)
        cosine, sine = np.cos(self._turn), np.sin(self._turn)
        return self.tissue.layers.label(z * cosine + x * sine, x * cosine - z * sine)

    def _whole(self) -> float:
        """Return the level of the brightest sheets of the whole leg, to which the gain is set."""
        step = self.view.pixel_size
        rows = int(np.ceil(self._whole_tissue.depth.max() / step[0]))
        size = (rows * step[0], self.view.size[1])
        view = View(pixels=(rows, self.view.pixels[1]), size=size, aligned=False)
        still = Motion.none()
        whole = Scanner(
            self._whole_tissue, still, view, self.device, self._seed, self._index, _reference=1e-9
        )
        return float(np.quantile(whole._envelope(0), 0.99))

    def _envelope(self, number: int) -> NDArray[np.float32]:
        echo = self._deposit(number)
        noise = stream(Purpose.B_MODE_NOISE, self._seed, self._index, number)
        level = np.float32(10 ** (self.device.noise / 20) * self._reference)
        echo = echo * self._loss
        echo.view(np.float32)[:] += level * noise.standard_normal(
            (self._shape[0], 2 * self._shape[1]), dtype=np.float32
        )
        echo *= self._gain
        if self.device.reverberation > -100:
            delay = max(1, round(2.2 / self.view.pixel_size[0]))
            echo[delay:] += np.float32(10 ** (self.device.reverberation / 20)) * echo[:-delay]
        kernel = cv2.getGaussianKernel(2 * int(4 * self._pulse) + 1, self._pulse, cv2.CV_32F)
        pairs = echo.view(np.float32).reshape(*self._shape, 2)
        pairs = cv2.sepFilter2D(pairs, cv2.CV_32F, np.ones(1, np.float32), kernel)
        echo = pairs.reshape(self._shape[0], -1).view(np.complex64)
        echo = scipy.fft.ifft(scipy.fft.fft(echo, axis=1) * self._lateral, axis=1)
        rows, columns = self.view.pixels
        return np.abs(echo[_PADDING : _PADDING + rows, _PADDING : _PADDING + columns])

    def _deposit(self, number: int) -> NDArray[np.complex64]:
        """Add the scatterers of a frame to the grid, each to the four pixels around it."""
        moved = self.motion.at(number)
        lateral, depth = self.tissue.displaced(moved)
        cosine, sine = float(np.cos(self._turn)), float(np.sin(self._turn))
        x = lateral * cosine + depth * sine - self._pivot * sine
        z = depth * cosine - lateral * sine
        step = self.view.pixel_size
        row = (z - self._top) * (1 / step[0]) + _PADDING
        column = x * (1 / step[1]) + (self.view.pixels[1] / 2 - 0.5 + _PADDING)
        inside = (row >= 0) & (row < self._shape[0] - 1) & (column >= 0)
        inside &= column < self._shape[1] - 1
        row, column, z = row[inside], column[inside], z[inside]
        strength = self.tissue.amplitude[inside] * seen(
            self.tissue.elevation[inside], moved["drift"]
        )
        phase = -self._wavenumber * z
        top, left = row.astype(np.intp), column.astype(np.intp)
        down, right = row - top.astype(np.float32), column - left.astype(np.float32)
        cell = top * self._shape[1] + left
        grid = np.zeros(self._shape[0] * self._shape[1], np.complex64)
        parts = strength * np.cos(phase), strength * np.sin(phase)
        places = (0, (1 - down) * (1 - right)), (1, (1 - down) * right), (
            self._shape[1], down * (1 - right)), (self._shape[1] + 1, down * right)  # fmt: skip
        for offset, weight in places:
            for part, into in zip(parts, (grid.real, grid.imag), strict=True):
                into += np.bincount(cell + offset, weight * part, grid.size)
        return grid.reshape(self._shape)

    @property
    def _pivot(self) -> float:
        return self._top + self.view.size[0] / 2 if self.view.aligned else 0.0
