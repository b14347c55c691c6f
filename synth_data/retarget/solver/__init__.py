# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseTrack → Motion by a solver over the whole clip (numpy and SciPy).

The unknowns are every frame's root and joint rotations, the camera's focal length, pitch and height, and the body's proportions; what they
should satisfy is in `terms.py`. It is minimised by Gauss-Newton on block-banded normal equations (`system.py`, `minimise.py`), started
from the closed form (`start.py`), and its rotations then go to the rig, whose feet are set on the floor again (`..feet`).
"""

from .motions import retarget, retarget_people
from .view import KnownCamera

__all__ = ["KnownCamera", "retarget", "retarget_people"]
