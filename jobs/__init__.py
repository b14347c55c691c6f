# SPDX-License-Identifier: GPL-3.0-or-later
"""The job folder, shared by whoever starts a job, the worker that does it and the add-on that watches it."""
