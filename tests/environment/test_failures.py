# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong, said in words: by what the true pip says where that can be brought about, and by what it is known to say elsewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ningyo.environment import process
from ningyo.environment.failures import sentence
from ningyo.jobs.progress import Reporter


@pytest.fixture(scope="module")
def python(base: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment's Python with pip in it."""
    folder = tmp_path_factory.mktemp("pip") / "env"
    subprocess.run([str(base), "-I", "-m", "venv", str(folder)], check=True)
    return str(folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))


def failure(python: str, *arguments: str) -> str:
    """All that a failing `pip install` says."""
    with pytest.raises(process.Failed) as failed:
        process.run([python, "-I", "-m", "pip", "install", "--only-binary", ":all:", "--no-cache-dir", *arguments], Reporter())
    return str(failed.value)


def test_no_network(python: str) -> None:
    assert sentence(failure(python, "alpha")).startswith("The package index cannot be reached")


def test_an_index_that_is_ill(python: str, index: Any, wheel: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(index.folder, "alpha", "1.0")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index.address}/simple")
    index.hashes["alpha-1.0-py3-none-any.whl"] = "0" * 64
    assert "damaged" in sentence(failure(python, "alpha"))


def test_proxies(python: str, index: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Nobody listens where the proxy should be; then one answers and wants a password. What was given is not in the log."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.invalid/simple")
    monkeypatch.setenv("https_proxy", "http://ann:geheim@127.0.0.1:1")
    said = failure(python, "alpha")
    assert sentence(said).startswith("The proxy cannot be used"), said
    index.refuses_as_proxy = True
    monkeypatch.setenv("https_proxy", f"http://ann:geheim@{index.address}")
    said = failure(python, "alpha")
    assert index.asked, "the proxy was not asked"
    assert "wants a name and a password" in sentence(said), said
    assert "geheim" not in capfd.readouterr().out
    for proxy, told in (
        ("http://127.0.0.1:port", "The proxy cannot be used"),
        ("socks5://127.0.0.1:1", "Proxies of the kind SOCKS cannot be used"),
        (f"https://{index.address}", "The proxy cannot be used"),
    ):
        monkeypatch.setenv("https_proxy", proxy)
        assert sentence(said := failure(python, "alpha")).startswith(told), said
    assert process.without_credentials("via http://ann:geheim@host:1/ and https://x") == "via http://***@host:1/ and https://x"


def test_no_wheel(python: str, wheel: Callable[..., Path], tmp_path: Path) -> None:
    """Missing, for another system, for another Python."""
    offline = ("--no-index", "--find-links", str(tmp_path))
    wheel(tmp_path, "alpha", "1.0", tag="cp39-cp39-win32")
    said = failure(python, *offline, "alpha==1.0")
    assert sentence(said, offline=True).startswith("The folder of wheels has no alpha==1.0 for this system and Python 3.11"), said
    assert sentence(said).startswith("The package index has no alpha==1.0 for this system and Python 3.11")
    wheel(tmp_path, "beta", "1.0", requires=("gamma>=2",))
    assert "has no gamma>=2" in sentence(failure(python, *offline, "beta"), offline=True)
    wheel(tmp_path, "gamma", "2.0", requires=("delta==1",))
    wheel(tmp_path, "delta", "1.0")
    wheel(tmp_path, "delta", "2.0")
    assert "do not fit together" in sentence(failure(python, *offline, "beta", "delta==2.0"), offline=True)
    (tmp_path / "epsilon-1.0-py3-none-any.whl").write_bytes(b"PK not really")
    assert sentence(failure(python, *offline, "epsilon"), offline=True).startswith(
        "In the folder of wheels epsilon-1.0-py3-none-any.whl is damaged; copy it there again"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk(python: str, tmp_path: Path) -> None:
    with pytest.raises(process.Failed) as failed:
        process.run([python, "-I", "-c", "open('/dev/full', 'wb', buffering=0).write(b'x')"], Reporter())
    assert sentence(str(failed.value)).startswith("The disk is full")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/home/x'",
            "The folder cannot be written: HERE",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: 'C:\\\\x'",
            "The folder cannot be written: HERE",
        ),
        ("OSError: [WinError 206] The filename or extension is too long", "Windows' limit on the length of paths"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: "
            "CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain'))': /simple/torch/\n"
            "ERROR: No matching distribution found for torch==2.13.0",
            "The package index's certificate is not trusted",
        ),
        (  # an HTTP proxy that is asked for by https
            "Could not fetch URL https://pypi.org/simple/pip/: There was a problem confirming the ssl certificate: Max retries exceeded "
            "(Caused by SSLError(SSLZeroReturnError(6, 'TLS/SSL connection has been closed (EOF) (_ssl.c:992)'))) - skipping",
            "The secure connection to the package index was cut; where Proxy begins with https://, write http://",
        ),
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError('<HTTPSConnection "
            "object at 0x7f>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/torch/\n"
            "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)\n"
            "ERROR: No matching distribution found for torch==2.13.0",
            "The package index cannot be reached",
        ),
        (
            "The virtual environment was not created successfully because ensurepip is not\navailable.  On Debian/Ubuntu systems",
            "This Python cannot make environments",
        ),
        ("ERROR: Package 'alpha' requires a different Python: 3.13.1 not in '<3.12'", "A package is not made for this Python"),
        ("Killed\nsomething odd.\n[notice] A new release of pip is available", "Setting up failed: something odd; the log says more."),
        ("", "Setting up failed: it said nothing"),
    ],
)
def test_known_words(said: str, told: str) -> None:
    assert sentence(said, where="HERE").startswith(told)
