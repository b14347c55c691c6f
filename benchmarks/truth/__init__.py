# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips whose joints, rotations, contacts and camera are known exactly, and what measures a motion against them."""
