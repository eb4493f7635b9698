"""The README's drawing of a stack: the clone that the demo leaves, so that it shows what is so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from git_poolside.terminal import table

_MARK = "<!-- the demo's stack -->\n```text\n"
_WHAT = {"patches": "the patches", "picks": "the picks", "snapshot": "the snapshot, at the nightly of {}"}


def with_stack(readme: str, clone: Path) -> str:
    """A README whose drawing, below its marker, is that of a clone."""
    head, marker, rest = readme.partition(_MARK)
    return head + marker + drawing(clone) + "```\n" + rest.partition("```\n")[2]


def drawing(clone: Path) -> str:
    """The commits of the layers from the top down, beside each layer's tip its branch."""
    code = "from git_poolside.cli import run; run('status')"
    status = json.loads(_said(clone, sys.executable, "-c", code, "--json"))
    rows: list[tuple[str, str]] = []
    for layer in reversed(status["layers"]):
        limits = ["-1"] if layer["role"] == "snapshot" else [f"^{layer['base']}"]
        log = _said(clone, "git", "log", "--format=%h %s", "--abbrev=9", *limits, layer["tip"], "--")
        what = _WHAT[layer["role"]].format(status["nightly"]["date"])
        rows += [(f"o  {line}", "" if at else f"{layer['branch']}: {what}") for at, line in enumerate(log.splitlines())]
        rows.append(("|", ""))
    return "".join(f"{line}\n" for line in table([*rows[:-1], (":  upstream's older commits", "")]))


def _said(clone: Path, *words: str) -> str:
    return subprocess.run(words, cwd=clone, stdout=subprocess.PIPE, text=True, check=True).stdout
