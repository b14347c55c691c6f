# SPDX-License-Identifier: GPL-3.0-or-later
"""What enabling the extension costs Blender: importing and registering it, each time in a new process.

    PYTHON_WITH_BPY benchmarks/enabling.py [--times 7]

Prints JSON: milliseconds, the median and the slowest by the clock, and the median of the processor's, which other programs
hardly change; and which packages were imported for it beside the extension and the standard library.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

ENABLE = """
import json, os, sys, time
import bpy
before = set(sys.modules)
start, busy = time.perf_counter(), time.thread_time()
import ningyo
ningyo.register()
spent = 1000 * (time.perf_counter() - start), 1000 * (time.thread_time() - busy)
more = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names) - {"ningyo", "bpy"}
print(json.dumps([bpy.app.version_string, *spent, sorted(more)]), flush=True)
os._exit(0)  # Blender's module before 5.0 can hang while the interpreter shuts down
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=7)
    found = []
    for _ in range(parser.parse_args().times):
        with tempfile.TemporaryDirectory() as profile:
            environment = {**os.environ, "BLENDER_USER_RESOURCES": profile}
            done = subprocess.run([sys.executable, "-c", ENABLE], env=environment, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    version, imported = found[0][0], found[0][3]
    clock, processor = ([each[place] for each in found] for place in (1, 2))
    figures = {"median ms": statistics.median(clock), "slowest ms": max(clock), "processor ms": statistics.median(processor)}
    print(json.dumps({"blender": version, **{name: round(value) for name, value in figures.items()}, "imported": imported}))


if __name__ == "__main__":
    main()
