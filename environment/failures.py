# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong, by what pip, venv or uv said: one sentence, with the way out."""

from __future__ import annotations

import re

AGAIN = "press Set Up Worker again: what is downloaded is kept"
# The first that matches tells; causes stand before what follows from them.
CAUSES = (
    (
        r"No space left on device|\[Errno 28\]|not enough space on the disk|Disk quota exceeded|\[Errno 122\]",
        f"The disk is full; free some space and {AGAIN}.",
    ),
    (
        r"407 Proxy Authentication|Proxy Authentication Required",
        "The proxy wants a name and a password, or refuses these; write them into Proxy in the preferences, "
        f"as http://NAME:PASSWORD@HOST:PORT, and {AGAIN}.",
    ),
    (
        r"dependencies for SOCKS",
        "Proxies of the kind SOCKS cannot be used; write the address of an HTTP proxy into Proxy in the preferences, "
        f"as http://HOST:PORT, and {AGAIN}.",
    ),
    (
        r"ProxyError|Cannot connect to proxy|Tunnel connection failed|Invalid proxy URL|proxy URL had no scheme|Failed to parse: ",
        f"The proxy cannot be used; put its address right in the preferences, as http://HOST:PORT, and {AGAIN}.",
    ),
    (
        r"DO NOT MATCH THE HASHES|[Hh]ash mismatch|Expected sha256|Bad CRC-32|File is not a zip file"
        r"|(is|has) an invalid wheel|Wheel .* is invalid",
        "A downloaded file is damaged or is not the one the index announced; set up the worker again, and where it happens twice, "
        "ask who runs your package index or proxy.",
    ),
    (
        r"SSLZeroReturnError|UNEXPECTED_EOF|EOF occurred in violation of protocol|WRONG_VERSION_NUMBER",
        "The secure connection to the package index was cut; where Proxy begins with https://, write http:// instead, "
        f"or ask who runs your network, then {AGAIN}.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError|certificate verify failed",
        "The package index's certificate is not trusted here; set the computer's clock, and where a company's proxy reads the traffic, "
        "ask its administrator for the certificate (pip's `cert` setting).",
    ),
    (
        r"requires a different Python|Requires-Python|not in '[<>=!~\d., ]+'",
        "A package is not made for this Python; choose a Python 3.11 as Base Python in the preferences.",
    ),
    (
        r"Temporary failure in name resolution|Name or service not known|getaddrinfo failed|nodename nor servname|NewConnectionError"
        r"|Failed to establish a new connection|Network is unreachable|ConnectTimeout|ReadTimeout|Read timed out|connection broken"
        r"|Connection reset|Connection refused|Connection aborted|IncompleteRead|RemoteDisconnected|error sending request|dns error"
        r"|5\d\d Server Error",
        f"The package index cannot be reached; check the connection (and Proxy in the preferences), then {AGAIN}.",
    ),
    (
        r"40[13] Client Error|401 Unauthorized|403 Forbidden",
        "The package index refuses access; ask who runs it, or remove it from pip's settings.",
    ),
    (
        r"[Ff]ilename or extension is too long|\[WinError 206\]|Windows Long Path support",
        "Windows' limit on the length of paths is in the way; switch on `Enable Win32 long paths` (an administrator can), "
        "and set up again.",
    ),
    (
        r"Permission denied|\[Errno 13\]|Access is denied|\[WinError 5\]|Read-only file system|\[Errno 30\]|Operation not permitted",
        "The folder cannot be written: {where}; allow it, close other programs that use it (on Windows a virus scanner may), "
        "and set up again.",
    ),
    (
        r"ensurepip is not\s+available|No module named '?ensurepip|No module named '?venv",
        "This Python cannot make environments; install its venv package (python3.11-venv on Debian and Ubuntu), "
        "or choose another Base Python.",
    ),
    (
        r"MemoryError|Cannot allocate memory|\[Errno 12\]",
        f"Memory ran out; close other programs and {AGAIN}.",
    ),
)
NO_WHEEL = (
    r"No matching distribution found for ([^\s;(,]+)",
    r"Could not find a version that satisfies the requirement ([^\s;(,]+)",
    r"([^\s/\\]+) is not a supported wheel on this platform",
)
SPOILT_WHEEL = r"located at .*?([^\s/\\]+\.whl) is invalid"
CONFLICT = r"ResolutionImpossible|conflicting dependencies"


def sentence(said: str, *, where: str = "", offline: bool = False) -> str:
    """One sentence for what a program said before it failed. `offline`: it was to take everything from a folder of wheels."""
    spoilt = re.search(SPOILT_WHEEL, said)
    if spoilt and offline:
        return f"In the folder of wheels {spoilt[1]} is damaged; copy it there again and set up again."
    # An unreachable index makes pip say at the end that there is no such package: the causes are asked first.
    for pattern, text in CAUSES:
        if re.search(pattern, said):
            return text.format(where=where)
    for pattern in NO_WHEEL:
        found = re.search(pattern, said)
        if found and offline:
            return f"The folder of wheels has no {found[1]} for this system and Python 3.11; add it and set up again."
        if found:
            return f"The package index has no {found[1]} for this system and Python 3.11; where it only did not answer, {AGAIN}."
    if re.search(CONFLICT, said):
        source = "folder of wheels" if offline else "package index"
        return f"The packages of the {source} do not fit together; use the versions that Ningyo's pyproject.toml names."
    last = next((line for line in reversed(said.splitlines()) if line.strip() and not line.startswith("[notice]")), "it said nothing")
    return f"Setting up failed: {last.strip().removeprefix('ERROR: ').rstrip('.')}; the log says more."
