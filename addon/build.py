# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m ningyo.addon.build --out dist`: the extension's zip, built and validated by Blender's own tool."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOL = "scripts/addons_core/bl_pkg/cli/blender_ext.py"
TAGS = "scripts/modules/_bpy_internal/extensions/tags.py"


def build(out: Path, *, source: Path = ROOT) -> Path:
    """Build and validate `out`/ningyo-VERSION.zip. Raises CalledProcessError with the tool's own words on stderr."""
    manifest = tomllib.loads((source / "blender_manifest.toml").read_text("utf-8"))
    tool, tags = blender_file(TOOL), blender_file(TAGS)
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{manifest['id']}-{manifest['version']}.zip"
    beside = out / f".{archive.stem}.part.zip"
    for arguments in (
        ["build", "--source-dir", str(source), "--output-filepath", str(beside), f"--valid-tags={tags}"],
        ["validate", f"--valid-tags={tags}", str(beside)],
    ):
        subprocess.run([sys.executable, str(tool), *arguments], check=True)
    os.replace(beside, archive)
    return archive


def blender_file(path: str) -> Path:
    """A file of the Blender module that is installed for this Python."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        raise SystemExit("This Python has no bpy; build the extension with the one `make env` makes.")
    return next(Path(spec.origin).parent.glob(f"[0-9]*/{path}"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="ningyo.addon.build", description="Build and validate the Blender extension.")
    parser.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR")
    print(build(parser.parse_args().out))


if __name__ == "__main__":
    main()
    # Blender's module, which the package imported, can hang before 5.0 while the interpreter shuts down.
    sys.stdout.flush()
    os._exit(0)
