"""``git poolside completion``: what the shells need to complete our commands, and man to find their pages."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from git_poolside.commands import Parser
from git_poolside.context import Context
from git_poolside.errors import Refused

SHELLS = ("bash", "zsh", "fish")
SCRIPTS = Path(__file__).parent.parent / "completions"


def parser() -> Parser:
    made = Parser("completion")
    made.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")
    what = made.add_mutually_exclusive_group()
    what.add_argument("--install", action="store_true", help="put it where SHELL looks, in your home")
    what.add_argument("--uninstall", action="store_true", help="take it away from there")
    return made


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Prints what SHELL can source, or puts the files where it looks; needs no repository."""
    ui = context.ui
    files = dict(_files(arguments.shell))
    if not (arguments.install or arguments.uninstall):
        ui.print(*(file.read_text().rstrip("\n") for file in _printed(arguments.shell, files)))
        return 0
    pages = dict(_pages())
    try:
        touched = _put({**files, **pages}) if arguments.install else _take({**files, **pages})
    except OSError as error:
        raise Refused(
            f"cannot write '{error.filename}': {error.strerror}",
            hints=[f"git poolside completion {arguments.shell}   (prints it, to put it elsewhere)"],
        ) from error
    folder = next(iter(files.values())).parent
    done = "Installed in" if arguments.install else "Taken from"
    ui.print(f"{done} {folder}" if touched else f"Nothing to do in {folder}.")
    if arguments.install and arguments.shell == "zsh":
        ui.hint(f"fpath=({folder} $fpath)   (a line for ~/.zshrc, before it calls compinit)")
    elif arguments.install:
        ui.hint(f"exec {arguments.shell}   (then type: git poolside, and press TAB)")
    return 0


def _pages() -> Iterator[tuple[Path, Path]]:
    """The manual pages of an installation whose own ``bin`` is not on PATH, so that man does not look beside it
    (manpath(1)), and where it looks for those of a person: ``uv tool`` links executables alone.
    """
    if f"{sys.prefix}/bin" not in os.environ.get("PATH", "").split(os.pathsep):
        for page in sorted(Path(sys.prefix, "share", "man").glob("man?/*poolside*")):
            yield page, _data() / "man" / page.parent.name / page.name


def _data() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()


def _files(shell: str) -> Iterator[tuple[Path, Path]]:
    """Each script, and where the shell looks for it in a person's home (its manual page says so)."""
    data = _data()
    if shell == "bash":
        own = os.environ.get("BASH_COMPLETION_USER_DIR")
        places = {"bash": (Path(own) if own else data / "bash-completion") / "completions"}
    elif shell == "zsh":
        places = {"zsh": data / "zsh" / "site-functions"}
    else:
        config = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "fish"
        places = {"fish": config / "completions", "fish-conf": config / "conf.d"}
    for folder, place in places.items():
        for script in sorted((SCRIPTS / folder).iterdir()):
            yield script, place / script.name


def _printed(shell: str, files: dict[Path, Path]) -> list[Path]:
    """What has to be sourced; bash's one script serves all commands, the others only find it."""
    return [script for script in files if shell != "bash" or script.name == "git-poolside"]


def _put(files: dict[Path, Path]) -> bool:
    """Write those that are not there as they should be; whether there was one."""
    touched = False
    for script, place in files.items():
        text = script.read_bytes()
        if not place.is_file() or place.read_bytes() != text:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text)
            touched = True
    return touched


def _take(files: dict[Path, Path]) -> bool:
    there = [place for place in files.values() if place.is_file()]
    for place in there:
        place.unlink()
    return bool(there)
