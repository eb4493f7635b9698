"""argv -> command -> exit code. The only place that ends the process, and the only broad ``except``."""

from __future__ import annotations

import os
import sys

from git_poolside import __version__
from git_poolside.errors import EXIT_BUG, EXIT_CLOSED_PIPE, EXIT_USAGE, GitFailed, PoolsideError, SystemFailed, in_full
from git_poolside.streams import give_up, open_closed, unwritten

TYPE_CHECKING = False  # as type checkers read it; typing is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from git_poolside.commands import Parser
    from git_poolside.ui import Ui


_UNCOLLECTED = 200_000
"""So many new objects before Python looks for cycles: a command ends soon, and looking takes a tenth of it."""


def run(command: str) -> NoReturn:
    """What ``bin/git-poolside-<command>`` calls."""
    _begin([command, *sys.argv[1:]], lambda: main(command, sys.argv[1:]))


def _begin(words: list[str], go_on: Callable[[], int]) -> NoReturn:
    """Answer at once if that is possible, or else go on, and end the process.

    A closed standard stream is as with git (`open_closed`); one that takes nothing ends it as the manual has it.
    """
    open_closed()
    try:
        status = _answer_at_once(words)
        if status is None:
            status = go_on()
        sys.stdout.flush()
    except KeyboardInterrupt:  # before `main` listens, or after it has told of another
        status = 130
    except BrokenPipeError:
        give_up(sys.stdout)
        status = EXIT_CLOSED_PIPE
    except OSError as error:
        give_up(sys.stdout)
        failed = SystemFailed(unwritten(error, sys.stdout))
        sys.stderr.write(f"fatal: {failed.message}\n")
        status = failed.exit_code
    leave(status)


def leave(status: int) -> NoReturn:
    """End the process, without Python's last look for cycles: that is a tenth of a short command's time."""
    import gc

    gc.freeze()
    sys.exit(status)


def dispatch() -> NoReturn:
    """What ``bin/git-poolside`` calls: the first word is the command (git-poolside-WORD on PATH if not ours)."""
    _begin(sys.argv[1:], lambda: _dispatch(sys.argv[1:]))


def _dispatch(words: list[str]) -> int:
    from git_poolside.commands import COMMANDS

    if not words or words[0] in ("-h", "--help", "help"):
        if words[1:] and words[1] in COMMANDS:
            return _manual(words[1])
        sys.stdout.write(_overview())
        return 0 if words else EXIT_USAGE
    if words[0] in COMMANDS:
        return main(words[0], words[1:])
    import shutil

    if not words[0].startswith("-") and (program := shutil.which(f"git-poolside-{words[0]}")):
        sys.stdout.flush()
        os.execv(program, [program, *words[1:]])
    return _unknown(words[0])


def _answer_at_once(words: list[str]) -> int | None:
    """What shells ask at every prompt and TAB, and the version: answered before anything slow is imported."""
    if words == ["status", "--short"]:
        from git_poolside.prompt import recall

        if (line := recall()) is not None:
            os.write(1, f"{line}\n".encode("utf-8", "replace"))
            return 0
    elif words[:1] == ["--complete"]:
        from git_poolside.live import answer

        return answer(words[1:])
    elif words[:1] == ["--version"]:
        print(f"git-poolside {__version__}")
        if words[1:] == ["--build-options"]:
            from git_poolside.git.versions import beneath

            print(*beneath(), sep="\n")
        return 0
    return None


def main(command: str, argv: list[str]) -> int:
    """Run a command; returns the exit code of the table in the manual."""
    from git_poolside import interrupt

    interrupt.listen()
    try:
        return _main(command, argv)
    except KeyboardInterrupt as error:
        where = str(error) or "git poolside status shows where everything stands"
        try:
            sys.stderr.write(f"\ninterrupted: {where}\n")
            sys.stderr.flush()
        except OSError:
            pass  # the terminal is closed
        return interrupt.status()


def _main(command: str, argv: list[str]) -> int:
    import gc
    from importlib import import_module

    from git_poolside import actions, interrupt

    gc.set_threshold(_UNCOLLECTED)
    module = import_module(f"git_poolside.commands.{command.replace('-', '_')}")
    if "--help" in argv and "--" not in argv[: argv.index("--help")]:
        return _manual(command)
    parser: Parser = module.parser()
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    from git_poolside.context import Context
    from git_poolside.git import colour
    from git_poolside.pager import in_use, paged
    from git_poolside.ui import Ui, wants_colour

    ui = Ui(
        quiet=arguments.quiet,
        json=getattr(arguments, "json", False),
        porcelain=getattr(arguments, "porcelain", False),
        colour=lambda: wants_colour(
            arguments.color, lambda: colour.wanted(sys.stdout.isatty() or in_use(), context.setting)
        ),
        slot=colour.code,
    )
    context = Context(ui, (command, *argv), arguments.config or os.environ.get("GIT_POOLSIDE_CONFIG") or None)
    try:
        with paged("" if ui.json else f"{command} {getattr(arguments, 'word', None) or ''}".rstrip()):
            status: int = module.run(context, arguments)
            sys.stdout.flush()
        if ui.unwritten is not None:
            if not status:
                raise ui.unwritten
            if not isinstance(ui.unwritten, BrokenPipeError):
                ui.warn(f"{ui.unwritten.filename}: {ui.unwritten.strerror}")
        return status
    except PoolsideError as error:
        interrupt.check(error.status if isinstance(error, GitFailed) else 0)
        import shlex

        again = f"git poolside {shlex.join(context.command)}"
        error.hints = tuple(in_full(hint, again) for hint in error.hints)
        ui.error(error)
        if actions.running():
            from git_poolside import unattended

            unattended.failed(context, error)
        return error.exit_code
    except BrokenPipeError:
        give_up(sys.stdout)
        return EXIT_CLOSED_PIPE
    except OSError as error:
        interrupt.check()
        failed = SystemFailed(error)
        ui.error(failed)
        return failed.exit_code
    except Exception:
        return _bug(ui)


def _bug(ui: Ui) -> int:
    """A traceback belongs into a file, with the way to report it (exit 70)."""
    import tempfile
    import traceback

    from git_poolside.errors import Bug
    from git_poolside.terminal import without_passwords

    handle, name = tempfile.mkstemp(prefix="git-poolside-", suffix=".txt")
    told = f"git-poolside {__version__}, Python {sys.version}\n{' '.join(sys.argv)}\n\n{traceback.format_exc()}"
    with os.fdopen(handle, "w", errors="backslashreplace") as file:
        file.write(without_passwords(told))
    kind, value, _ = sys.exc_info()
    ui.error(
        Bug(
            f"poolside has a bug: {kind.__name__ if kind else ''}: {value}",
            hints=[
                f"the details are in {name}: please report them",
                "git poolside status   (what is in flight)",
            ],
        )
    )
    return EXIT_BUG


def _manual(command: str) -> int:
    """Open the command's page as git does, also one that is installed where man does not look; else its short help."""
    import shutil
    import subprocess
    from importlib import import_module

    page = f"git-poolside-{command}"
    if shutil.which("man"):
        for where in ((), ("-M", f"{sys.prefix}/share/man")):
            if subprocess.run(["man", *where, "-w", page], capture_output=True).returncode == 0:
                return subprocess.run(["man", *where, page]).returncode
    parser: Parser = import_module(f"git_poolside.commands.{command.replace('-', '_')}").parser()
    parser.print_help()
    return 0


def _overview() -> str:
    from git_poolside.commands import COMMANDS

    width = max(map(len, COMMANDS))
    lines = [f"   {name.ljust(width)}   {what}" for name, what in COMMANDS.items()]
    return "\n".join(
        [
            "usage: git poolside <command> [<options>]",
            "",
            "Keep a fork as a stack of patches on a fast upstream.",
            "",
            *lines,
            "",
            "'git poolside <command> -h' shows a command's options. New here? Try 'git poolside demo'.",
            "",
        ]
    )


def _unknown(word: str) -> int:
    from difflib import get_close_matches

    from git_poolside.commands import COMMANDS
    from git_poolside.ui import clean

    sys.stderr.write(f"git-poolside: '{clean(word)}' is not a poolside command. See 'git poolside -h'.\n")
    if near := get_close_matches(word, COMMANDS, n=1):
        sys.stderr.write(f"\nThe most similar command is\n\t{near[0]}\n")
    return EXIT_USAGE
