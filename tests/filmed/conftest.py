# SPDX-License-Identifier: GPL-3.0-or-later
"""Videos are read by the worker alone."""

from __future__ import annotations

import importlib.util

# Blender's own Python has no PyAV; what reads videos is tested in the worker's.
collect_ignore = [] if importlib.util.find_spec("av") else ["test_film.py", "test_dance_now.py"]
