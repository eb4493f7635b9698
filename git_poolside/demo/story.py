"""What the demo tells and runs. Nothing is staged but the histories: each command shown is run, and prints."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from git_poolside.demo.histories import SOFTMAX, US, build
from git_poolside.errors import EXIT_CLOSED_PIPE, EXIT_STOPPED, Bug
from git_poolside.stack.values import frozen
from git_poolside.ui import Ui

_BEGINS = datetime(2026, 7, 17, 9, tzinfo=UTC)
_WIDEST = 100
_RESOLVED = (
    "    scores = scores.astype(np.float32)\n    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))\n"
)


@frozen
class Step:
    """A command as it is typed, what is said before it, and the exit code that it has to have.

    `write` is what the file of the conflict shall hold between its head and its last line before the command.
    """

    words: str
    command: str
    exit: int = 0
    resolve: bool = False


STEPS = (
    Step(
        "lagoon is a small machine-learning library with a nightly build. This is a clone of our fork of it, which "
        "was kept by hand so far: main is a snapshot of upstream, poolside-cherry-picks has two of upstream's "
        "commits that we wanted early, and poolside-main our own patches on top.",
        "git log --oneline --decorate origin/main^..",
    ),
    Step(
        "Adopt it, once in each clone: the upstream remote, the missing local branches, the configuration file.",
        "git poolside init --upstream ../upstream.git --commit",
    ),
    Step(
        "Would a sync work here? Every precondition, each with its cure where it does not hold.", "git poolside doctor"
    ),
    Step("Where are we?", "git poolside status"),
    Step(
        "Where could we go? Each nightly names the commit of upstream's main that it was built from.",
        "git poolside nightly",
    ),
    Step(
        "What would a sync onto the newest nightly do? A dry run does all the work and moves nothing. It exits as "
        "the sync would: 3, because one patch does not apply any more. (Our last patch but one only sets a date: "
        "that is the stamp, made anew by each sync and counted no more.)",
        "git poolside sync -n",
        EXIT_STOPPED,
    ),
    Step(
        "Now really. The sync works in memory up to the conflict, and stops there with git's own cherry-pick of "
        "that one patch in the worktree. No branch has moved yet.",
        "git poolside sync",
        EXIT_STOPPED,
    ),
    Step("Upstream subtracts the maximum, we convert to float32, both on the same line.", "git diff"),
    Step(
        "Both are wanted. Your editor or mergetool would come in here; the demo writes the two lines itself.",
        f"git add {SOFTMAX}",
        resolve=True,
    ),
    Step(
        "Go on from here. The rest is replayed, the version's date is set, and a check that shares nothing with "
        "the replay proves that no patch was lost. Only then all three branches move, at once.",
        "git poolside sync --continue",
    ),
    Step(
        "The result: what landed is gone, the pick that upstream took back is still ours, and the last commit sets "
        "the date in the version of our wheels.",
        "git log --oneline --decorate main^..",
    ),
    Step(
        "What became of each patch, old against new? Only the resolved one and the date have changed.",
        "git poolside range-diff",
    ),
    Step(
        "Send it: one atomic push of all three branches, refused if anybody pushed in the meantime.",
        "git poolside push",
    ),
    Step(
        "Second thoughts? Whatever was done can be taken back: here the whole sync, in this clone alone.",
        "git poolside undo",
    ),
    Step("An undo is an operation like any other, so undoing it brings the sync back.", "git poolside undo"),
    Step(
        "Everything that was done, newest first. Nothing in it is ever collected as garbage.", "git poolside log -n 4"
    ),
    Step("And where are we now?", "git poolside status"),
)


def play(ui: Ui, root: Path) -> None:
    """Make the histories in `root`, then tell and run the steps in the clone. Raises `Bug` at a wrong exit code."""
    environment = _environment(ui)
    build(root, _dated(environment, _BEGINS))
    clone = root / "clone"
    _say(ui, f"A whole fork in a folder: {root}")
    for minute, step in enumerate(STEPS):
        ui.print("")
        _say(ui, step.words)
        if step.resolve:
            _resolve(clone / SOFTMAX)
        ui.print(ui.paint(f"$ {step.command}", "title"))
        status = subprocess.run(
            list(_program(step.command)),
            cwd=clone,
            env=_dated(environment, _BEGINS + timedelta(minutes=minute)),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
        if status in (EXIT_CLOSED_PIPE, -signal.SIGPIPE):
            raise BrokenPipeError
        if status != step.exit:
            raise Bug(
                f"the demo's step '{step.command}' exited {status}, not {step.exit}",
                hints=[f"what was made so far is in {root}", "please report it with what was printed above"],
            )
    ui.print("")
    _say(ui, "That was it. The clone is yours to play with; throw it all away when you have seen enough.")
    for command in (["cd", str(clone)], ["rm", "-r", str(root)]):
        ui.print(ui.paint(f"$ {shlex.join(command)}", "title"))


def _environment(ui: Ui) -> dict[str, str]:
    """No configuration but the repositories' own, an own identity, and our width and colour."""
    taken = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k == "GIT_EXEC_PATH"}
    coloured = ui.is_coloured
    if coloured:
        taken.pop("NO_COLOR", None)
    return taken | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "color.ui",
        "GIT_CONFIG_VALUE_0": "always" if coloured else "never",
        "XDG_CONFIG_HOME": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TEMPLATE_DIR": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_EDITOR": "true",
        "GIT_PAGER": "cat",
        "GIT_AUTHOR_NAME": US.name,
        "GIT_AUTHOR_EMAIL": US.email,
        "GIT_COMMITTER_NAME": US.name,
        "GIT_COMMITTER_EMAIL": US.email,
        "COLUMNS": str(min(ui.width, _WIDEST)),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def _dated(environment: Mapping[str, str], moment: datetime) -> dict[str, str]:
    date = moment.isoformat()
    return {**environment, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}


def _program(command: str) -> Iterator[str]:
    """The command as it can be run where nothing of ours is on PATH: with this Python and its packages."""
    words = shlex.split(command)
    if words[:2] == ["git", "poolside"]:
        places = [str(Path(place).absolute()) for place in sys.path]
        yield from (sys.executable, "-P", "-c")
        yield f"import sys; sys.path[:] = {places!r}; from git_poolside.cli import dispatch; dispatch()"
        words = words[2:]
    yield from words


def _resolve(path: Path) -> None:
    """What a person does with an editor: the lines of the conflict become the two that are wanted."""
    before, _, rest = path.read_text().partition("<<<<<<< ")
    _, _, after = rest.partition(">>>>>>> ")
    path.write_text(before + _RESOLVED + after.partition("\n")[2])


def _say(ui: Ui, words: str) -> None:
    width = max(min(ui.width, _WIDEST), 40)
    for line in textwrap.wrap(
        words, width, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
    ):
        ui.print(ui.paint(line, "kept"))
