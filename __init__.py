# SPDX-License-Identifier: GPL-3.0-or-later
"""Ningyo: a video of a person becomes anime, in Blender and from the command line.

This root is at once a Blender extension and the Python package `ningyo`; importing it costs nothing.
"""


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import addon

    addon.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled."""
    from . import addon

    addon.unregister()
