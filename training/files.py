# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the files in a model folder (docs/architecture.md), for whoever only watches a training. Imports nothing."""

from __future__ import annotations

MODEL, CONFIG, RIG = "model.safetensors", "config.json", "rig.json"
STATS, HELD_OUT = "stats.jsonl", "held_out.jsonl"
PREVIEW, CURVES = "preview.png", "curves.png"
REPORT = "report.json"
