# SPDX-License-Identifier: GPL-3.0-or-later
"""Anime characters built by code from a seed, rigged with Mixamo's bone names."""

from .build import BuiltCharacter, build_character

__all__ = ["BuiltCharacter", "build_character"]
