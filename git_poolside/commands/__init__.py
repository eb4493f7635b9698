"""The commands: one thin module for each executable, and the parser that they share."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from git_poolside.errors import ALLOWABLE_SNAGS, EXIT_USAGE
from git_poolside.terminal import clean, without_passwords

GENERAL = "general options"
COMMANDS = {
    "init": "make this clone a poolside fork",
    "doctor": "check every precondition, and mend what can be mended",
    "status": "show the layers, how far behind they are, what is in flight",
    "nightly": "list the nightlies to move to",
    "sync": "move the whole stack onto a nightly",
    "cherry-pick": "edit the picks: add, list, drop, update, move",
    "upstream": "offer patches to upstream, as a branch of the fork",
    "changes": "keep the summary of the patches in the changes file",
    "push": "push the three branches at once, with leases",
    "publish": "run the build workflow for the pushed tip, and watch it",
    "pull": "take a sync of somebody else over, with what is only here carried along",
    "log": "show the operation log",
    "undo": "take an operation back",
    "range-diff": "show what an operation did to each patch",
    "completion": "print or install what bash, zsh and fish need to complete commands",
    "demo": "make a whole fork in a folder and sync it before your eyes",
}


class Parser(argparse.ArgumentParser):
    """argparse with git's habits: usage errors exit 129, ``--help`` opens the manual page."""

    def __init__(
        self, command: str = "", *, prog: str | None = None, what: str | None = None, color: bool = False
    ) -> None:
        """With `what` it is for a word of the command's, as argparse makes it; its options add to the command's.

        `color` is what argparse hands on since Python 3.14; help has none here, as git's own.
        """
        super().__init__(
            prog=prog or f"git poolside {command}",
            description=what or COMMANDS[command].capitalize() + ".",
            add_help=False,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.color = False
        general = self.add_argument_group(GENERAL)
        general.add_argument("-h", action="help", help="show this help")
        general.add_argument("--help", action="help", help="open the manual page")
        quiet = general.add_argument("-q", "--quiet", action="store_true", help="no talk on standard error")
        config = general.add_argument("--config", metavar="FILE", help="read FILE instead of .poolside.toml")
        colour = general.add_argument(
            "--color",
            choices=("auto", "always", "never"),
            nargs="?",
            const="always",
            default="auto",
            help="colour the output; the default follows color.ui and NO_COLOR",
        )
        for option in () if what is None else (quiet, config, colour):
            option.default = argparse.SUPPRESS  # else it would undo what stood before the word

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As argparse's, which takes ``--option=--`` for an option without a value, and then gives it a list."""
        for word in args or ():
            if word.startswith("--") and word.endswith("=--"):
                self.error(f"'--' is no value of {word.partition('=')[0]}")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"error: {without_passwords(clean(message))}", file=sys.stderr)
        if near := self._near(message):
            print(f"\nThe most similar {near[0]} is\n\t{near[1]}", file=sys.stderr)
        raise SystemExit(EXIT_USAGE)

    def _near(self, message: str) -> tuple[str, str] | None:
        """The option or the word that may have been meant, as argparse's messages tell what it does not know."""
        from difflib import get_close_matches

        words = next((a.choices for a in self._actions if isinstance(a, argparse._SubParsersAction)), {})
        what, _, told = message.partition(": ")
        if what == "argument WORD" and told.startswith("invalid choice: '"):
            return next((("word", near) for near in get_close_matches(told.split("'")[1], words, n=1)), None)
        unknown = next((word.partition("=")[0] for word in told.split() if word.startswith("--")), "")
        if what == "unrecognized arguments" and unknown:
            options = [option for parser in (self, *words.values()) for option in parser._option_string_actions]
            begun = [option for option in options if option.startswith(unknown)]
            return next((("option", near) for near in begun or get_close_matches(unknown, options, n=1)), None)
        return None


def for_programs(parser: argparse.ArgumentParser) -> None:
    """``--json`` and ``--porcelain``, of a command that reads; gitpoolside-json(7) has what they print."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object on standard output")
    form.add_argument("--porcelain", action="store_true", help="the same, a line 'KEY TAB VALUE' for each value")


def positive(word: str) -> int:
    """A number of at least 1, for argparse."""
    if not word.isdigit() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"'{word}' is no number of at least 1")
    return int(word)


def allowing(parser: argparse._ActionsContainer, default: list[str] | str | None = None) -> None:
    """``--allow SNAG``, as often as it is wanted."""
    parser.add_argument(
        "--allow",
        metavar="SNAG",
        type=_snag,
        action="append",
        default=[] if default is None else default,
        help="go on in spite of the doubt with this name",
    )


def _snag(word: str) -> str:
    if word not in ALLOWABLE_SNAGS:
        raise argparse.ArgumentTypeError(
            f"'{word}' is no snag that can be allowed\nhint: these can: {', '.join(sorted(ALLOWABLE_SNAGS))}"
        )
    return word
