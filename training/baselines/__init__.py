# SPDX-License-Identifier: GPL-3.0-or-later
"""What people use, rebuilt to be compared with: trained by our loop on our data, and as good as published, faults included."""
