# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: Blender kept away from the user's profile, and left without its unsafe shutdown."""

from __future__ import annotations

import os
import sys
import tempfile

# Before any test imports bpy: tests must never read or write a person's own Blender preferences.
os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="ningyo-blender-")

import pytest


@pytest.fixture
def empty_blender():
    """Blender with nothing in it; skips where there is no bpy."""
    bpy = pytest.importorskip("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Blender's module before 5.0 can hang or crash while the interpreter shuts down; leave before it does."""
    if "bpy" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash.get(EXIT_CODE, 1))


EXIT_CODE = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[EXIT_CODE] = int(exitstatus)
