# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmarks are scripts, not part of the package: their folder is put where Python looks."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
