"""A pager as git starts one: on a terminal alone, by ``GIT_PAGER``, ``core.pager``, ``PAGER`` (git(1), git-config(1)).

``pager.poolside-<command>`` is ``false``, ``true`` or a command of its own. ``pager.poolside`` is read by git itself
when it runs ``git poolside``, as that of any command, and concerns all of ours.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from git_poolside.git.brief import ask

LONG = ("log", "nightly", "range-diff", "changes", "cherry-pick list")
"""What may print more than a screen."""


def in_use() -> bool:
    """Whether git, or we, have put a pager behind standard output."""
    return bool(os.environ.get("GIT_PAGER_IN_USE"))


@contextmanager
def paged(command: str) -> Iterator[None]:
    """While the block runs its output goes to a pager, if one is wanted; the block's end waits for the reader."""
    chosen = _chosen(command) if command in LONG and sys.stdout.isatty() else ""
    if not chosen:
        yield
        return
    width = os.get_terminal_size(sys.stdout.fileno()).columns
    os.environ.setdefault("COLUMNS", str(width))  # standard output is no terminal from here on
    reading, writing = os.pipe()
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    process = os.posix_spawnp("sh", ["sh", "-c", chosen], environment, file_actions=[
        (os.POSIX_SPAWN_DUP2, reading, 0), (os.POSIX_SPAWN_CLOSE, writing),
    ])  # fmt: skip
    os.close(reading)
    streams = [sys.stdout.fileno(), *([sys.stderr.fileno()] if sys.stderr.isatty() else [])]
    terminals = [os.dup(stream) for stream in streams]
    for stream in streams:
        os.dup2(writing, stream)
    os.close(writing)
    os.environ["GIT_PAGER_IN_USE"] = "true"
    try:
        yield
    finally:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's now
        with suppress(BrokenPipeError):
            sys.stdout.flush()
        for stream, terminal in zip(streams, terminals, strict=True):
            os.dup2(terminal, stream)
            os.close(terminal)
        os.waitpid(process, 0)
        signal.signal(signal.SIGINT, before)
        del os.environ["GIT_PAGER_IN_USE"]


def _chosen(command: str) -> str:
    """The pager's command line, or nothing."""
    listing = ask("config", "--get-regexp", r"^pager\.poolside")
    said = dict(line.partition(" ")[::2] for line in listing.splitlines())
    own = said.get(f"pager.poolside-{command.partition(' ')[0]}", said.get("pager.poolside", "true"))
    if own.lower() in ("false", "no", "off", "0"):
        return ""
    pager = own if own.lower() not in ("true", "yes", "on", "1", "") else ask("var", "GIT_PAGER").strip()
    if os.environ.get("GIT_PAGER") == "cat":  # git --no-pager
        return ""
    first = pager.split(" ")[0]
    return pager if pager != "cat" and (shutil.which(first) or not first.replace("-", "").isalnum()) else ""
