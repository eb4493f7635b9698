"""Asking git with as little start-up as there can be, for what a shell asks at every prompt or TAB.

No `subprocess`, which takes as long to import as Python takes to start. A question that fails has an empty answer;
no answer fetches anything, nor prompts.
"""

from __future__ import annotations

import os

NO_FETCH = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
"""With them a partial clone fetches nothing that it lacks; the second is for a git before 2.45."""
_ENVIRONMENT = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": f"{os.devnull}/none",  # as in `process`
    **NO_FETCH,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
}
_OPTIONS = ("core.quotePath=false", "log.showSignature=false", "i18n.logOutputEncoding=UTF-8")


def ask(*words: str, input: str = "") -> str:
    """What ``git WORDS`` prints, or nothing if it fails. `input` is short: it is written before anything is read."""
    options = [word for option in _OPTIONS for word in ("-c", option)]
    reading, writing = os.pipe()
    given, giving = os.pipe()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.write(giving, input.encode("utf-8", "surrogateescape"))
        process = os.posix_spawnp(
            "git",
            ["git", *options, *words],
            {**os.environ, **_ENVIRONMENT},
            file_actions=[(os.POSIX_SPAWN_DUP2, given, 0), (os.POSIX_SPAWN_DUP2, writing, 1),
                          (os.POSIX_SPAWN_DUP2, nowhere, 2)],
        )  # fmt: skip
    except OSError:
        os.close(reading)
        return ""
    finally:
        for descriptor in (writing, given, giving, nowhere):
            os.close(descriptor)
    said = bytearray()
    while chunk := os.read(reading, 65536):
        said += chunk
    os.close(reading)
    status = os.waitpid(process, 0)[1]
    return said.decode("utf-8", "surrogateescape") if status == 0 else ""
