# SPDX-License-Identifier: GPL-3.0-or-later
"""The cel look: two or three flat tones with a hard terminator, computed without sampling light, and an outline by an inverted hull.

`cel_material` draws the built-in characters from colour attributes; `apply_cel_look` gives the same look to any others and
`remove_cel_look` takes it away again. All obey one light, `set_light`. The pictures are the same in Cycles and EEVEE, and free of noise;
the view transform is to be Standard.
"""

from .look import LOOK, apply_cel_look, has_cel_look, is_built_in, remove_cel_look, set_tones, slots_in_look
from .materials import BASE, CEL, FLAT, SHADE, cel_copy, cel_material, outline_material
from .nodes import LIGHT, light_direction, light_nodes, set_light
from .outline import LINE, OUTLINE, add_outline, default_width, outline_width, set_outline_width

__all__ = [
    "BASE", "CEL", "FLAT", "LIGHT", "LINE", "LOOK", "OUTLINE", "SHADE", "add_outline", "apply_cel_look", "cel_copy", "cel_material",
    "default_width", "has_cel_look", "is_built_in", "light_direction", "light_nodes", "outline_material", "outline_width",
    "remove_cel_look", "set_light", "set_outline_width", "set_tones", "slots_in_look",
]  # fmt: skip
