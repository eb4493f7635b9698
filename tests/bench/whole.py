"""The whole of ``git poolside sync`` against the procedure by hand, and what either does to the worktree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench.arena import Arena
from tests.bench.make_repo import Made, Stack, git
from tests.bench.measure import Contender, Row, Run, against, in_turn

_PROCEDURE = str(Path(__file__).parent / "procedure.sh")


def figure(made: Made, sizes: Sequence[int], rounds: int) -> list[Row]:
    """Rows for the smallest size: with the remotes asked, without, and the files touched."""
    rows: list[Row] = []
    stack = made.stack("near", min(sizes))
    place = made.folder / "run"
    ours = _Watched(Arena(made.work, place / "sync", checkout=True), stack)
    rival = _Watched(Arena(made.work, place / "procedure", checkout=True), stack)
    for title, options in (("", []), (", remotes not asked", ["--no-fetch"])):
        said: dict[str, str] = {}
        contenders = [
            ours.contender("git poolside sync", ["git", "poolside", "sync", *options]),
            rival.contender("procedure", [_PROCEDURE, *options]),
        ]
        runs = in_turn(contenders, rounds, said)
        one, other = said["git poolside sync"], said["procedure"]
        note = "same tree" if one == other else f"{one} against {other}"
        figure = f"whole sync of {stack.size} against the procedure{title}"
        rows.append(against(figure, runs["git poolside sync"], runs["procedure"], "6 times", 6, note))
    touched, differ = ours.touched, ours.differ
    rows.append(
        Row("files touched in the worktree, of those that differ", f"{touched} of {differ}",
            f"{rival.touched} of {rival.differ}", goal="no more than differ", reached=0 <= touched <= differ)
    )  # fmt: skip
    return rows


class _Watched:
    """A clone whose files are looked at before and after each round."""

    def __init__(self, arena: Arena, stack: Stack) -> None:
        self.arena = arena
        self.stack = stack
        self.touched = self.differ = -1
        self._before: dict[str, tuple[int, int]] = {}
        arena.set_stack(stack)

    def contender(self, name: str, command: Sequence[str]) -> Contender:
        return Contender(name, command, self.arena.folder, self._prepare, self._result)

    def _prepare(self) -> None:
        self.arena.stand(self.stack.tip, "poolside-main")
        self._before = self._files()

    def _result(self, _: Run) -> str:
        after = self._files()
        both = self._before.keys() | after.keys()
        self.touched = sum(self._before.get(path) != after.get(path) for path in both)
        names = git(self.arena.folder, "diff", "--name-only", "--no-renames", self.stack.tip, "poolside-main")
        self.differ = len(names.splitlines())
        return self.arena.tree("poolside-main")

    def _files(self) -> dict[str, tuple[int, int]]:
        """Every file of the worktree with what tells that it was written: inode and time of change."""
        found: dict[str, tuple[int, int]] = {}
        for path in self.arena.folder.rglob("*"):
            state = path.lstat()
            if path.parts[len(self.arena.folder.parts)] != ".git" and not path.is_dir():
                found[str(path)] = (state.st_ino, state.st_mtime_ns)
        return found
