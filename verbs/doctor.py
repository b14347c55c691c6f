# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo doctor`: what is installed, what is missing, what to do."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import UserError
from ..jobs.machine import cores
from ..jobs.progress import Reporter

HELP = "What is installed, what is missing, and what to do."
EXAMPLE = "ningyo doctor"

FREE_DISK_GB = 2.0
# Module, what needs it.
MODULES = (
    ("numpy", "everything"),
    ("bpy", "retarget onto GLB/FBX/.blend, render, strip"),
    ("torch", "train, generate, evaluate"),
    ("safetensors", "train, generate, evaluate"),
    ("mediapipe", "capture"),
    ("cv2", "capture"),
    ("av", "capture, generate, strip"),
    ("PIL", "train, generate, evaluate"),
    ("onnx", "export"),
    ("onnxscript", "export"),
    ("onnxruntime", "generate from an exported model, export"),
)


@dataclass
class Check:
    """One line of the doctor's answer."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`doctor` takes no arguments of its own."""


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    """All checks; raises UserError naming what is missing."""
    checks = [check_python(), *(check_module(name, use) for name, use in MODULES), check_models(), check_compute(), check_disk()]
    for check in checks:
        report.emit("check", **asdict(check))
    missing = [check.name for check in checks if not check.ok]
    if missing:
        raise UserError(
            f"Missing or unfit: {', '.join(missing)}; Set Up Worker in the add-on's preferences, or `make env`, makes an environment "
            "that has everything."
        )
    return {"checks": [asdict(check) for check in checks]}


def check_python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", sys.version_info >= (3, 11), f"{version} ({sys.executable})", "Ningyo's worker wants Python 3.11.")


def check_module(name: str, use: str) -> Check:
    """Whether the module really imports, since a broken wheel is found by no other means."""
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        return Check(name, False, f"does not import ({error})", f"Needed for {use}.")
    version = getattr(module, "__version__", None)
    if version is None and hasattr(module, "app"):
        version = module.app.version_string
    return Check(name, True, str(version or "installed"), f"For {use}.")


def check_models() -> Check:
    """Whether capture's models are there and whole, and where they come from (`ningyo models` says more)."""
    try:
        from ..synth_data.capture.models import KINDS, bundle, find

        for kind in KINDS:
            bundle(kind)
        origins = sorted({find(kind).origin for kind in KINDS})
    except (ImportError, UserError) as error:
        return Check("mediapipe models", False, str(error))
    return Check("mediapipe models", True, f"{', '.join(KINDS)} from {' and '.join(origins)}")


def check_compute() -> Check:
    try:
        import torch
    except ImportError:
        return Check("compute", True, f"{cores()} cores")
    gpu = f", {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else ", no CUDA device: training runs on the CPU"
    return Check("compute", True, f"{cores()} cores{gpu}")


def check_disk() -> Check:
    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    return Check("disk", free > FREE_DISK_GB, f"{free:.1f} GB free for temporary files", f"At least {FREE_DISK_GB:g} GB should be free.")
