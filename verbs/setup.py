# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo setup`: the worker's environment, as "Set Up Worker" in Blender's preferences makes it. Runs on a Python without any package."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter

HELP = "Make the worker's environment, as Set Up Worker in Blender's preferences does."
EXAMPLE = "ningyo setup --home ~/ningyo --compute cpu"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", type=Path, required=True, metavar="DIR", help="the folder that gets `worker`, with the environment in it")
    parser.add_argument("--compute", choices=("cpu", "cuda"), default="cpu", help="which build of torch (default: cpu)")
    parser.add_argument("--base", type=Path, metavar="PYTHON", help="the Python 3.11 to make it with (default: look for one, or fetch one)")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="take all packages from this folder; nothing is downloaded")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..environment.making import Order, make

    if args.wheels is None and os.environ.get("NINGYO_OFFLINE") == "1":
        raise UserError("Blender may not go online; allow online access in Preferences > System, or choose a folder of wheels.")
    wheels = None if args.wheels is None else args.wheels.resolve()
    ready = make(Order(args.home.resolve(), args.compute, args.base, wheels), report)
    return {"python": str(ready.python)}
