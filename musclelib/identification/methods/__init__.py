"""Methods of identification, each in the file of its name.

`method` returns a `Method` of `METHODS` by name and `title` its name in figures; `NETWORKS` lists
the weights that methods need. A method takes a velocity `(time, depth, lateral)`, its frame rate
and pixel size, and returns `MotorUnits`.

"edges"
    `Decomposition`, the method developed here: units separated by the edges of their territories.
"paper 2"
    `Paper2`, the two networks of paper 2.
"stICA"
    `spatiotemporal` independent component analysis, the usual method of the field.
"full field"
    `full_field`, sparse maps of the whole field, akin to velBSS.
"plain"
    `plain` blind source separation, the baseline.

Examples
--------
>>> import numpy as np
>>> from musclelib.identification.methods import method
>>> velocity = 0.01 * np.random.default_rng(0).standard_normal((200, 16, 16))
>>> velocity[:, 4:9, 4:9] += np.sin(0.3 * np.arange(200))[:, None, None]  # one territory
>>> units = method("plain", "data/weights/identification")(velocity, 200.0)
>>> units.territory.shape, int(units.territory.sum())
((1, 16, 16), 25)
"""

from musclelib.identification.methods.edges import Decomposition
from musclelib.identification.methods.full_field import full_field
from musclelib.identification.methods.paper2 import Paper2
from musclelib.identification.methods.plain import plain
from musclelib.identification.methods.registry import METHODS, NETWORKS, Method, method, title
from musclelib.identification.methods.stica import spatiotemporal

__all__ = [
    "METHODS",
    "NETWORKS",
    "Decomposition",
    "Method",
    "Paper2",
    "full_field",
    "method",
    "plain",
    "spatiotemporal",
    "title",
]
