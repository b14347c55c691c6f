# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on says in other languages, a module each."""
