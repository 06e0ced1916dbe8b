"""Parameters of a leg in the long axis, of the view on it, and of the scanner."""

from __future__ import annotations

from dataclasses import dataclass

from musclelib.parameters import Parameters, quantity


@dataclass(frozen=True)
class Anatomy(Parameters):
    """One leg at rest, at a neutral joint angle: layers, fascicles and their echoes.

    Angles are positive where a structure runs down to the right. The defaults are those of a medial
    gastrocnemius; `sample_anatomy` draws others.
    """

    skin: float = quantity(1.6, "mm", "thickness of the skin", low=0.5, high=4)
    fat: float = quantity(4.0, "mm", "thickness of the subcutaneous fat", low=0.5, high=30)
    thickness: float = quantity(17.0, "mm", "thickness of the muscle", low=5, high=50)
    pennation: float = quantity(
        20.0, "deg", "angle between fascicles and the deep aponeurosis", low=5, high=45
    )
    superficial_tilt: float = quantity(
        -1.5, "deg", "angle of the superficial aponeurosis", low=-10, high=10
    )
    deep_tilt: float = quantity(-3.0, "deg", "angle of the deep aponeurosis", low=-10, high=10)
    curvature: float = quantity(
        0.3, "mm", "sag of the aponeuroses over the width of the view", low=-3, high=3
    )
    soleus: float = quantity(18.0, "mm", "thickness of the soleus", low=5, high=60)
    soleus_pennation: float = quantity(
        -18.0, "deg", "angle of the fascicles of the soleus", low=-40, high=40
    )
    aponeurosis: float = quantity(0.8, "mm", "thickness of an aponeurosis", low=0.2, high=3)
    fascicle_spacing: float = quantity(
        1.3, "mm", "mean distance between visible sheets of perimysium", low=0.4, high=5
    )
    fascicle_contrast: float = quantity(
        1.0, doc="amplitude of perimysium, relative to the default", low=0, high=4
    )
    tortuosity: float = quantity(
        0.35, "mm", "SD of a fascicle's distance from its straight line", low=0, high=2
    )
    attenuation: float = quantity(0.6, "dB/(cm MHz)", "attenuation of muscle", low=0.1, high=2)
    # the shares of the muscle's motion that its surroundings and its thickness take part in
    proximal_share: float = quantity(
        0.6,
        doc="glide of the superficial aponeurosis relative to a passive change of the fascicles",
        low=0,
        high=3,
    )
    active_share: float = quantity(
        0.35,
        doc="opposite glide of the superficial aponeurosis relative to active shortening",
        low=0,
        high=1,
    )
    soleus_share: float = quantity(
        0.6, doc="glide of the soleus relative to that of the deep aponeurosis", low=0, high=1
    )
    out_of_plane: float = quantity(
        0.03, doc="drift out of the image plane per lateral motion of the tissue", low=0, high=0.5
    )


@dataclass(frozen=True)
class View(Parameters):
    """Grid of the images: by default that of paper 3's region, which follows the muscle."""

    pixels: tuple[int, int] = quantity((120, 496), doc="pixels along depth and lateral", low=16)
    size: tuple[float, float] = quantity(
        (14.67, 55.42), "mm", "extent along depth and lateral", above=0
    )
    aligned: bool = quantity(
        True,
        doc="whether the view is centred on the muscle along its mean orientation, as paper 3's"
        " region is; otherwise it begins at the skin",
    )

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Spacing of the pixels along depth and lateral [mm]."""
        return self.size[0] / self.pixels[0], self.size[1] / self.pixels[1]


WHOLE = View(pixels=(400, 496), size=(44.7, 55.42), aligned=False)
"""View of the whole leg, from the skin on, in pixels of the size of the region's."""


@dataclass(frozen=True)
class Device(Parameters):
    """A B-mode scanner: what it resolves, its noise, and its grey scale."""

    frequency: float = quantity(7.5e6, "Hz", "centre frequency", low=1e6, high=3e7)
    bandwidth: float = quantity(
        0.38, doc="bandwidth of pulse and receiver relative to it, at -6 dB", low=0.1, high=1.2
    )
    f_number: float = quantity(2.6, doc="depth to width of the aperture", low=0.5, high=10)
    focus: float = quantity(18.0, "mm", "depth of the transmitted focus", above=0)
    noise: float = quantity(
        -66.0, "dB", "electronic noise at the skin, relative to the reference", high=0
    )
    clutter: float = quantity(-48.0, "dB", "level of side lobes", high=0)
    reverberation: float = quantity(
        -46.0, "dB", "level of echoes that return once more from the skin", high=0
    )
    dynamic_range: float = quantity(52.0, "dB", "range of the grey scale", low=20, high=120)
    gamma: float = quantity(1.5, doc="exponent of the grey scale", low=0.3, high=3)
    gain_per_depth: float = quantity(
        0.9, doc="share of the attenuation that the gain over depth restores", low=0, high=1.5
    )
    lines: int = quantity(256, doc="number of scan lines across the view", low=32, high=2048)
    levels: int = quantity(256, doc="number of grey levels", low=8, high=256)


DEVICES = {
    "good": Device(
        frequency=10e6, bandwidth=0.42, f_number=2.4, noise=-84, clutter=-56, reverberation=-54,
        dynamic_range=58, lines=384,
    ),
    "middle": Device(),
    "cheap": Device(
        frequency=5e6, bandwidth=0.30, f_number=3.2, noise=-46, clutter=-38, reverberation=-32,
        dynamic_range=46, gain_per_depth=0.7, lines=96, levels=64,
    ),
}  # fmt: skip
"""Scanners by name: one of a radiology department, a usual one, and a hand-held one."""
