# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `ningyo VERB …`, `python -m ningyo VERB …`, or `python path/to/ningyo/__main__.py VERB …`.

Exit codes: 0 done, 1 the job failed (one sentence on stderr), 2 bad arguments, 130 cancelled.
"""

from __future__ import annotations

import sys

if not __package__:
    # Started by path, as Blender's add-on does: load the package under its own name, whatever its folder is called, and keep its
    # sub-folders from being imported as top-level modules.
    import importlib.util
    from pathlib import Path

    root = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != root]
    spec = importlib.util.spec_from_file_location("ningyo", root / "__init__.py", submodule_search_locations=[str(root)])
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["ningyo"] = package
    spec.loader.exec_module(package)
    from ningyo.__main__ import main

    main()

import os

# Set before numpy is loaded: a solver's matrices are small, and there two threads of OpenBLAS wait for each other, which was measured to
# be up to ten times slower than one where other programs use the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import errno
import importlib
import signal
import tempfile
import traceback
from pathlib import Path
from types import ModuleType

from .errors import Cancelled, UserError
from .jobs.folder import LOG, WorkerJob
from .jobs.progress import Event, Reporter
from .verbs.terminal import JsonLines, ProgressBar

VERBS = (
    "capture",
    "overlay",
    "rig",
    "character",
    "retarget",
    "motion",
    "render",
    "dataset",
    "train",
    "export",
    "generate",
    "evaluate",
    "strip",
    "openpose",
    "run",
    "demo",
    "models",
    "setup",
    "doctor",
)
# Started by a render for itself (synth_data/render/crew.py), not by people.
RENDER_WORKER = "--render-worker"
# Importable name → the package that brings it.
WORKER_PACKAGES = {
    "bpy": "bpy",
    "torch": "torch",
    "mediapipe": "mediapipe",
    "cv2": "mediapipe",
    "av": "av",
    "PIL": "pillow",
    "safetensors": "safetensors",
    "onnx": "onnx",
    "onnxscript": "onnxscript",
    "onnxruntime": "onnxruntime",
}


def build_parser() -> argparse.ArgumentParser:
    """All verbs, each explaining itself with an example. Imports no stage."""
    parser = argparse.ArgumentParser(prog="ningyo", description="Turns a video of a person into anime.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name in VERBS:
        module: ModuleType = importlib.import_module(f".verbs.{name}", __package__)
        verb = verbs.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(verb)
        verb.add_argument("--job", type=Path, metavar="DIR", help="folder for progress events, log and cancel")
        verb.add_argument("--json", action="store_true", help="print events as JSON lines instead of a bar")
        verb.set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> None:
    """Run one verb and leave the process with its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == [RENDER_WORKER]:
        from .synth_data.render.crew import serve

        serve(Path(argv[1]))
    code = run_verb(build_parser().parse_args(argv), argv)
    sys.stdout.flush()
    sys.stderr.flush()
    if "bpy" in sys.modules:
        # Blender's module before 5.0 can hang or crash while the interpreter shuts down; everything is written by now.
        os._exit(code)
    sys.exit(code)


def run_verb(args: argparse.Namespace, argv: list[str]) -> int:
    """The verb's exit code. Libraries' chatter goes to the job's log, or to a temporary one that is kept if the verb fails."""
    job: WorkerJob | None = None
    try:
        if args.job is not None:
            job = WorkerJob(args.job, args.verb, argv)
    except (UserError, OSError) as error:
        print(f"ningyo: {describe(error)}", file=sys.stderr)
        return 1
    log = job.folder / LOG if job else Path(tempfile.mkstemp(prefix="ningyo-", suffix=".log")[1])
    with TerminalStreams(log) as streams:
        show = JsonLines(streams.out) if args.json else ProgressBar(streams.err, streams.out)
        stop = StopOnSignal()

        def sink(event: Event) -> None:
            show(event)
            if job:
                job.sink(event)

        report = Reporter(sink, lambda: stop.asked or (job is not None and job.is_cancelled()))
        try:
            result = args.run(args, report)
        except (Cancelled, KeyboardInterrupt):
            report.emit("result", state="cancelled")
            code = 130
        except Exception as error:
            traceback.print_exc()
            text = describe(error, log)
            report.emit("error", text=text)
            report.emit("result", state="failed")
            if args.json:
                print(f"ningyo: {text}", file=streams.err)
            code = 1
        else:
            report.emit("result", state="done", **(result or {}))
            code = 0
    if job:
        job.close()
    elif code != 1:
        log.unlink()
    return code


def describe(error: Exception, log: Path | None = None) -> str:
    """One sentence for the person at the keyboard."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in WORKER_PACKAGES:
        package = WORKER_PACKAGES[(error.name or "").split(".")[0]]
        return f"This Python ({sys.executable}) has no {package}; use the one `make env` builds (`ningyo doctor` lists what is missing)."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full; free some space and run the same command again: it goes on where it stopped."
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.strerror}: {error.filename}"
    if isinstance(error, MemoryError):
        return "Memory ran out; close other programs, or choose a smaller size or preset."
    where = f"; the details are in {log}" if log else ""
    return f"Something unforeseen went wrong ({type(error).__name__}: {error}){where}."


class TerminalStreams:
    """Keeps the terminal for us and sends everything else that writes to stdout or stderr, C libraries included, to the log."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def __enter__(self) -> TerminalStreams:
        sys.stdout.flush()
        sys.stderr.flush()
        self._saved = (os.dup(1), os.dup(2))
        self.out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        self.err = os.fdopen(os.dup(2), "w", encoding="utf-8", buffering=1)
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, saved in zip((1, 2), self._saved, strict=True):
            os.dup2(saved, number)
            os.close(saved)
        self.out.close()
        self.err.close()


class StopOnSignal:
    """Ctrl-C or SIGTERM asks the stage to stop after its current unit; a second Ctrl-C stops it at once."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGINT, self._ask)
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, number: int, _frame: object) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True


if __name__ == "__main__" and __package__:
    main()
