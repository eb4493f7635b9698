"""A worktree of a person's: what is checked out in it, what of theirs lies about, and what they do there by hand."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.scenario import Repo
from tests.soak.history import Edit, apply, markers, without

NOTES = "notes.txt"


@dataclass
class Tree:
    """`head` is the branch that is checked out, empty when detached; `dirt` what is not committed: path -> the letters
    of git status and the content, which no command of ours may change.
    """

    repo: Repo
    head: str
    dirt: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.repo.path / NOTES).write_text("mine and nobody else's\n")
        self.dirt[NOTES] = "?", "mine and nobody else's\n"

    def look(self, stopped: bool) -> None:
        """Nothing of the person's is touched; unless something is `stopped` here, HEAD is where it was as well."""
        for path, (_, content) in self.dirt.items():
            file = self.repo.path / path
            assert file.is_file() and file.read_text() == content, f"{path} in {self.repo.path} was touched"
        if stopped:
            return
        words = ("status", "--porcelain=v2", "--branch", "--no-ahead-behind", "-uall", "--ignored=matching")
        lines = self.repo.git(*words).splitlines()
        head = next(line.partition(".head ")[2] for line in lines if line.startswith("# branch.head "))
        assert head == (self.head or "(detached)"), f"HEAD of {self.repo.path} was on {self.head} and is on {head}"
        found = {_path(line): _letters(line) for line in lines if not line.startswith("#")}
        wanted = {path: letters for path, (letters, _) in self.dirt.items()}
        assert found == wanted, f"{self.repo.path} has {found}, not {wanted}"

    def checkout(self, *words: str) -> None:
        """Check something out, if git lets us, and over nothing that is ignored: that is no doing of ours."""
        self.repo.git("checkout", "-q", "--no-overwrite-ignore", *words, check=False)
        self.head = self.repo.git("branch", "--show-current")

    # What is not committed

    def edits(self, path: str, staged: bool) -> None:
        """Change a tracked file."""
        file = self.repo.path / path
        self.dirt[path] = "M." if staged else ".M", f"{file.read_text()}scratch of {self.repo.path.name}\n"
        file.write_text(self.dirt[path][1])
        if staged:
            self.repo.git("add", "--", path)

    def puts(self, path: str) -> None:
        """Leave a file where git has none; no other may have it in the way."""
        file = self.repo.path / path
        if os.path.lexists(file) or (os.path.lexists(file.parent) and not file.parent.is_dir()):
            return
        file.parent.mkdir(exist_ok=True)
        ignored = self.repo.git("check-ignore", "--", path, check=False)
        self.dirt[path] = "!" if ignored else "?", f"no file of git's: {path}\n"
        file.write_text(self.dirt[path][1])

    def tidies(self) -> None:
        """Throw away what is not committed, but for the notes."""
        for path in [path for path in self.dirt if path != NOTES]:
            letters, _ = self.dirt.pop(path)
            if "M" in letters:
                self.repo.git("checkout", "-q", "HEAD", "--", path)
                continue
            (self.repo.path / path).unlink()
            if path.startswith("lib/") and not any((self.repo.path / "lib").iterdir()):
                (self.repo.path / "lib").rmdir()

    # Commits

    def files(self) -> dict[str, str]:
        """The files under src/ and lib/ as they stand here."""
        root = self.repo.path
        found = [path for folder in ("src", "lib") for path in sorted((root / folder).glob("*.txt"))]
        return {str(path.relative_to(root)): path.read_text() for path in found}

    def write(self, changed: Mapping[str, str]) -> None:
        for path, text in changed.items():
            file = self.repo.path / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        self.repo.git("add", "--", *changed)

    def commits(self, edits: Iterable[Edit], *options: str) -> None:
        self.tidies()
        self.write(apply(edits, self.files()))
        self.repo.git("commit", "-q", *options)

    def erases(self, gone: frozenset[str]) -> None:
        """A commit that takes markers away on purpose."""
        self.tidies()
        for path, text in self.files().items():
            if markers(text) & gone:
                left = without(gone, text)
                if left is None:
                    (self.repo.path / path).unlink()
                else:
                    (self.repo.path / path).write_text(left)
        self.repo.git("commit", "-q", "-a", "-m", f"Erase {', '.join(sorted(gone))}")

    def resolves(self, side: str) -> None:
        """Resolve all that is in conflict, taking both sides or one."""
        for path in self.repo.git("diff", "--name-only", "--diff-filter=U", "-z").split("\0")[:-1]:
            file = self.repo.path / path
            if side != "both":
                self.repo.git("checkout", f"--{side}", "--", path, check=False)
            elif file.exists():
                lines = file.read_text().split("\n")
                file.write_text(
                    "\n".join(line for line in lines if not line.startswith(("<<<<<<<", "=======", ">>>>>>>")))
                )
            self.repo.git("add", "-A", "--", path, check=False)

    def staged(self) -> frozenset[str]:
        """The markers in the index."""
        return markers(self.repo.git("grep", "--cached", "-h", "-e", r"\[[UP][0-9]", check=False))


def _letters(line: str) -> str:
    return line[2:4] if line[0] in "12u" else line[0]


def _path(line: str) -> str:
    return line.split(" ", {"1": 8, "2": 9, "u": 10}.get(line[0], 1))[-1]
