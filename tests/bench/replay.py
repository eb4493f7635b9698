"""The replay of a stack onto the newest nightly: git poolside's engine and everybody else's, side by side.

No ref is moved by ours, `git replay` and the loop; `git rebase`, StGit and jj do what they always do. jj is
given its best case: it does not look at its working copy.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.bench.arena import Arena
from tests.bench.make_repo import Made, Stack, git
from tests.bench.measure import ENV, Contender, Row, Run, against, in_turn, median

_JJ_CONFIG = """
[user]
name = "Fork Author"
email = "fork.author@example.com"
[revset-aliases]
"immutable_heads()" = "none()"
[ui]
paginate = "never"
color = "never"
"""
OURS = "ours"


@dataclass(frozen=True)
class Goal:
    """How many times as fast as a rival ours is to be, by the size of the stack; other sizes have no goal."""

    times: dict[int, float]
    words: dict[int, str]


_FASTER = Goal(dict.fromkeys((50, 200, 1000), 1.0), dict.fromkeys((50, 200, 1000), "faster"))
GOALS = {
    "git rebase": Goal({50: 6, 200: 10, 1000: 14}, {50: "6 times", 200: "10 times", 1000: "14 times"}),
    "git replay": Goal({50: 0.5, 200: 1 / 1.2, 1000: 1 / 1.2}, {50: "within 2", 200: "within 1.2", 1000: "within 1.2"}),
    "merge-tree loop": _FASTER,
    "stg": _FASTER,
    "jj": _FASTER,
}


def figure(made: Made, sizes: Sequence[int], rounds: int, only: Sequence[str] = ()) -> list[Row]:
    """Rows of ours against each rival that is here, for each size of the stack."""
    rows: list[Row] = []
    place = made.folder / "run"
    contestants = _Contestants(made, place)
    medians: dict[int, float] = {}
    for size in sizes:
        stack = made.stack("near", size)
        said: dict[str, str] = {}
        contenders = contestants.all(stack, only)
        runs = in_turn(contenders, rounds, said)
        medians[size] = median(runs[OURS])
        tree = said[OURS]
        for name in [name for name in GOALS if not only or name in only]:
            goal = GOALS[name]
            note = "not here"
            if name in said:
                note = "same tree" if said[name] == tree else said[name]
            word = goal.words.get(size, "")
            rows.append(
                against(f"replay of {size} against {name}", runs[OURS], runs.get(name, []), word,
                        goal.times.get(size, 0), note)
            )  # fmt: skip
    if len(sizes) > 1:
        rows.append(_growth(medians))
    return rows


def _growth(medians: dict[int, float]) -> Row:
    """Whether the time grows with N and not faster: a patch of the largest step may cost as one of the first."""
    sizes = sorted(medians)
    steps = [(medians[b] - medians[a]) / (b - a) * 1000 for a, b in pairwise(sizes)]
    shown = ", ".join(f"{step:.2f} ms" for step in steps)
    reached = steps[-1] <= 1.3 * steps[0] if len(steps) > 1 else None
    return Row("growth of the replay in N, for each patch more", shown, goal="linear", reached=reached)


class _Contestants:
    """Who takes part, each in a clone of its own, made when first needed."""

    def __init__(self, made: Made, place: Path) -> None:
        self.made = made
        self.place = place
        self._arenas: dict[str, Arena] = {}

    def all(self, stack: Stack, only: Sequence[str]) -> list[Contender]:
        makers = {
            OURS: self._ours,
            "git rebase": self._rebase,
            "git replay": self._replay,
            "merge-tree loop": self._loop,
            "stg": self._stg,
            "jj": self._jj,
        }
        chosen = [maker(stack) for name, maker in makers.items() if not only or name in (OURS, *only)]
        return [contender for contender in chosen if contender is not None]

    def _arena(self, name: str, *, checkout: bool = False) -> Arena:
        if name not in self._arenas:
            self._arenas[name] = Arena(self.made.work, self.place / name.replace(" ", "-"), checkout=checkout)
        return self._arenas[name]

    def _program(self, name: str, module: str, stack: Stack) -> Contender:
        arena = self._arena(name)
        command = [sys.executable, "-m", f"tests.bench.{module}", stack.base, stack.tip, stack.target]
        return Contender(name, command, arena.folder, arena.restore)

    def _ours(self, stack: Stack) -> Contender:
        return self._program(OURS, "ours", stack)

    def _loop(self, stack: Stack) -> Contender:
        return self._program("merge-tree loop", "loop", stack)

    def _rebase(self, stack: Stack) -> Contender:
        arena = self._arena("git rebase", checkout=True)
        command = ["git", "rebase", "--quiet", "--onto", stack.target, stack.base]
        return Contender("git rebase", command, arena.folder, lambda: arena.stand(stack.tip), lambda _: arena.tree())

    def _replay(self, stack: Stack) -> Contender | None:
        arena = self._arena("git replay")
        usage = subprocess.run(["git", "replay", "-h"], capture_output=True, text=True, env=ENV, check=False)
        if "--onto" not in usage.stdout + usage.stderr:
            return None
        prints = ["--ref-action=print"] if "--ref-action" in usage.stdout + usage.stderr else []

        def prepare() -> None:
            arena.restore()
            git(arena.folder, "branch", "-f", "bench", stack.tip)

        def result(run: Run) -> str:
            return arena.tree(run.out.split()[2])

        command = ["git", "replay", *prints, "--onto", stack.target, f"{stack.base}..bench"]
        return Contender("git replay", command, arena.folder, prepare, result)

    def _stg(self, stack: Stack) -> Contender | None:
        if not shutil.which("stg", path=ENV["PATH"]):
            return None
        arena = self._arena("stg", checkout=True)

        def prepare() -> None:
            arena.stand(stack.tip, "bench")
            for words in (["init"], ["uncommit", "-n", str(stack.size)]):
                subprocess.run(["stg", *words], cwd=arena.folder, env=ENV, capture_output=True, check=True)

        command = ["stg", "rebase", stack.target]
        return Contender("stg", command, arena.folder, prepare, lambda _: arena.tree())

    def _jj(self, stack: Stack) -> Contender | None:
        if not shutil.which("jj", path=ENV["PATH"]):
            return None
        self._arenas.pop("jj", None)  # the repository is jj's with one stack in it
        arena = self._arena("jj", checkout=True)
        config = self.place / "jj.toml"
        config.write_text(_JJ_CONFIG)
        environment = {**ENV, "JJ_CONFIG": str(config), "HOME": str(self.place)}

        def jj(*words: str) -> str:
            done = subprocess.run(
                ["jj", *words], cwd=arena.folder, env=environment, capture_output=True, text=True, check=True
            )
            return done.stdout.strip()

        arena.stand(stack.base)
        # It would take along every commit above the stack's that some branch holds.
        git(arena.folder, "remote", "remove", "origin")
        names = git(arena.folder, "for-each-ref", "--format=delete %(refname)", "refs/heads")
        git(arena.folder, "update-ref", "--stdin", input=names.encode() + b"\n")
        git(arena.folder, "branch", "bench", stack.tip)
        git(arena.folder, "pack-refs", "--all")
        jj("git", "init", "--colocate")
        if not (arena.folder / ".jj").exists():
            return None
        arena.keep()
        asking = ["--ignore-working-copy", "--no-graph"]

        def result(_: Run) -> str:
            conflicts = jj("log", *asking, "-r", f"conflicts() & {stack.target}..bench", "-T", '"x"')
            if conflicts:
                return f"leaves {len(conflicts)} conflicts"
            return arena.tree(jj("log", *asking, "-r", "bench", "-T", "commit_id"))

        command = [
            "jj", "rebase", "--ignore-working-copy", "--quiet",
            "--source", f"roots({stack.base}..{stack.tip})", "--destination", stack.target,
        ]  # fmt: skip
        return Contender("jj", command, arena.folder, arena.restore, result, environment)
