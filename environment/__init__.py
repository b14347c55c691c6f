# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's environment: finding a Python for it, filling it, knowing when it is fit.

Standard library only, for any Python from 3.11: Blender's own runs it.
"""
