"""A whole small world of real git repositories, built so that a test reads like its scenario.

`World` has an upstream with a nightly branch, the fork on a bare server, and a clone. Commits are made by
plumbing in the bare repositories, each a minute after the one before; the clone is what a person would have.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from git_poolside.git.process import version as git_version
from tests import store

Files = Mapping[str, "str | bytes | Link | Exec | None"]
"""Path -> content; None deletes the path."""

PATTERN_FILE = ".github/workflows/poolside-nightly-build.yaml"
EPOCH = 1_750_000_000
PREPARED = ".prepared"
NOT_INHERITED = ("GIT_", "GH_", "GITHUB_", "NO_COLOR", "XDG_")
"""What a variable of the caller's begins with that no test may see."""


GITCONFIG = (
    '[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n[gc]\n\tauto = 0\n'
    "[maintenance]\n\tauto = false\n[receive]\n\tautogc = false\n[pack]\n\tthreads = 1\n"
    "[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true\n"
)


def hermetic_environment(home: Path) -> dict[str, str]:
    """Variables for a run that nothing of the machine's configuration reaches; `home` is made, with a .gitconfig."""
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text(GITCONFIG)
    return {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Own Person",
        "GIT_AUTHOR_EMAIL": "own@poolside.example",
        "GIT_COMMITTER_NAME": "Own Person",
        "GIT_COMMITTER_EMAIL": "own@poolside.example",
        "GIT_COMMITTER_DATE": "1785585600 +0000",  # 2026-08-01T12:00:00Z
        "GIT_AUTHOR_DATE": "1785585600 +0000",
        "GIT_EDITOR": "false",
        "GIT_TEMPLATE_DIR": "",
        "GIT_TEST_FSYNC": "0",  # git's own tests run so: nobody pulls the plug here
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM": "1",  # the same words in memory and on disk where there is no repository
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


HERMETIC = {
    *("GIT_CONFIG_NOSYSTEM", "GIT_EDITOR", "GIT_TEMPLATE_DIR", "GIT_TEST_FSYNC", "GIT_TERMINAL_PROMPT"),
    *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE", "GIT_DISCOVERY_ACROSS_FILESYSTEM"),
    *("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE"),
}
"""The variables that a test begins with."""
CORE = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = {}\n"
SERVERS_HEAD_IS_NOTED = (2, 48)
"""git-fetch(1) makes a ref of the other remote's HEAD from here on."""


@dataclass(frozen=True)
class Link:
    """A symbolic link's target."""

    target: str


@dataclass(frozen=True)
class Exec:
    """The content of an executable file."""

    content: str


@dataclass(frozen=True)
class Result:
    """What a command of ours came to."""

    status: int
    out: str
    err: str


def workflow(date: str = "20260703", base: str = "2.9.0", cuda: str = "cu126") -> str:
    """The build workflow, as small as it can be with the version variable in its place."""
    return (
        "name: poolside-linux-binary-manywheel\n"
        "on:\n  workflow_dispatch: {inputs: {publish: {type: choice, options: ['true', 'false']}}}\n"
        "env:\n"
        f'  PYTORCH_BUILD_VERSION_PREFIX: "{base}.dev{date}+{cuda}.poolside"  # set at every sync\n'
        "jobs: {}\n"
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _data(content: bytes) -> bytes:
    return b"data %d\n%s" % (len(content), content)


def _change(path: str, content: str | bytes | Link | Exec | None) -> bytes:
    """One path's line of a fast-import commit, the path quoted as C does."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    quoted = _bytes('"' + escaped + '"')
    if content is None:
        return b"D " + quoted
    mode, data = _entry(content)
    return b"M %o inline %s\n%s" % (mode, quoted, _data(data))


def _entries(files: Files) -> store.Files:
    return {path: None if content is None else _entry(content) for path, content in files.items()}


def _entry(content: str | bytes | Link | Exec) -> tuple[int, bytes]:
    """The mode and the bytes of a file."""
    mode, data = 0o100644, content
    if isinstance(content, Link):
        mode, data = 0o120000, content.target
    elif isinstance(content, Exec):
        mode, data = 0o100755, content.content
    assert isinstance(data, str | bytes)
    return mode, data if isinstance(data, bytes) else _bytes(data)


class Repo:
    """One repository on disk, driven by real git."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self.env = {**env, "LC_ALL": "C"}  # the words are the same, and a locale takes git a tenth of its time

    def git(
        self,
        *arguments: str,
        input: str | bytes | None = None,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> str:
        """The stripped output of a git command."""
        data = input.encode("utf-8", "surrogateescape") if isinstance(input, str) else input
        done = subprocess.run(
            ["git", *arguments],
            input=data,
            capture_output=True,
            cwd=self.path,
            env={**self.env, **(env or {})},
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr.decode('utf-8', 'replace')}")
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def rev(self, name: str) -> str:
        return store.found(self.path, name) or self.git("rev-parse", "--verify", name)

    def has(self, ref: str) -> bool:
        """Whether a ref is there, by its file where refs have files."""
        if (self.path / "reftable").exists():
            return bool(self.git("rev-parse", "-q", "--verify", ref, check=False))
        packed = self.path / "packed-refs"
        return (self.path / ref).is_file() or (packed.is_file() and f" {ref}\n" in packed.read_text())

    def subjects(self, revisions: str) -> list[str]:
        """The subjects of a range, oldest first."""
        return self.git("log", "--reverse", "--format=%s", *revisions.split()).splitlines()

    def files(self, revision: str) -> dict[str, str]:
        """Every file of a revision with its content."""
        names = self.git("ls-tree", "-r", "--name-only", "-z", revision).split("\0")
        return {name: self.show(revision, name) for name in names if name}

    def show(self, revision: str, path: str) -> str:
        done = subprocess.run(
            ["git", "cat-file", "blob", f"{revision}:{path}"],
            capture_output=True,
            cwd=self.path,
            env=self.env,
            check=True,
        )
        return done.stdout.decode("utf-8", "surrogateescape")

    def refs(self, prefix: str = "refs/heads") -> dict[str, str]:
        if (there := store.refs(self.path, prefix)) is not None:
            return there
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", prefix).splitlines()
        return dict(line.split(" ") for line in lines)

    def tree(self, files: Files, base: str | None = None) -> str:
        """A tree: `base` (a revision) with `files` put in."""
        if store.plain(files) and not (self.path / "reftable").exists():
            return store.tree(self.path, _entries(files), base)
        index = {"GIT_INDEX_FILE": str(self.path / f".index-{os.getpid()}")}
        try:
            self.git("read-tree", base or "--empty", env=index)
            lines = []
            for path, content in files.items():
                if content is None:
                    lines.append(f"0 {'0' * 40}\t{path}")
                    continue
                mode, data = "100644", content
                if isinstance(content, Link):
                    mode, data = "120000", content.target
                elif isinstance(content, Exec):
                    mode, data = "100755", content.content
                oid = self.git("hash-object", "-w", "--stdin", input=data)  # type: ignore[arg-type]
                lines.append(f"{mode} {oid}\t{path}")
            self.git("update-index", "-z", "--index-info", input="\0".join([*lines, ""]), env=index)
            return self.git("write-tree", env=index)
        finally:
            Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)


@dataclass
class World:
    """Upstream, the fork's server and a clone. `clock` counts the minutes of the commits made."""

    root: Path
    env: Mapping[str, str]
    upstream: Repo = field(init=False)
    fork: Repo = field(init=False)
    clock: int = 0
    made_from: Path | None = None
    """Where the world lies that this one is a copy of."""

    def __post_init__(self) -> None:
        self.upstream = self._bare("upstream.git")
        self.fork = self._bare("fork.git")

    def _bare(self, name: str) -> Repo:
        path = self.root / name
        path.mkdir(parents=True)
        repo = Repo(path, self.env)
        for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (path / folder).mkdir(parents=True)
        (path / "HEAD").write_text("ref: refs/heads/main\n")
        (path / "config").write_text(CORE.format("true"))
        return repo

    def commit(
        self,
        repo: Repo,
        branch: str,
        files: Files,
        message: str | bytes,
        author: str = "Ann Author <ann@example.com>",
        parents: Sequence[str] | None = None,
        tree: str | None = None,
    ) -> str:
        """A commit on `branch` of `repo`, made without a worktree; its hash."""
        self.clock += 1
        ref = f"refs/heads/{branch}"
        when = f"{EPOCH + 60 * self.clock} +0200"
        words = [_bytes(f"author {author} {when}"), _bytes(f"committer Com Mitter <com@example.com> {when}")]
        data = message if isinstance(message, bytes) else _bytes(message)
        if (repo.path / "HEAD").exists() and not (repo.path / "reftable").exists() and store.plain(files):
            stood = [repo.rev(ref)] if parents is None and repo.has(ref) else []
            return store.commit(
                repo.path, ref, _entries(files), stood if parents is None else parents, tree, words, data
            )
        if parents is None:
            parents = [f"{ref}^0"] if repo.has(ref) else []
        script = [_bytes(f"commit {ref}\nmark :1"), *words, _data(data)]
        script += [_bytes(f"{'merge' if index else 'from'} {oid}") for index, oid in enumerate(parents)]
        if tree is not None:
            script.append(_bytes(f'M 040000 {tree} ""'))
        script += [_change(path, content) for path, content in files.items()]
        script += [b"", b"get-mark :1", b"done", b""]
        # One process for the whole commit (git-fast-import(1)), since building worlds is what most tests begin with.
        return repo.git(
            "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--force", "--done", input=b"\n".join(script)
        )  # fmt: skip

    # Upstream

    def land(self, files: Files, subject: str, number: int | None = None, body: str = "") -> str:
        """A commit on upstream's main; with a pull request number it is landed as the merge bot lands."""
        message = subject
        if number is not None:
            message += f" (#{number})"
        message += f"\n\n{body}" if body else "\n"
        if number is not None:
            message += f"\n\nPull Request resolved: https://github.com/pytorch/pytorch/pull/{number}\n"
        return self.commit(self.upstream, "main", files, message)

    def revert(self, oid: str, number: int = 0, reason: str = "it broke the build") -> str:
        """What the merge bot makes of a revert: exactly the commit taken back, with its words."""
        subject = self.upstream.git("log", "-1", "--format=%s", oid)
        url = f"https://github.com/pytorch/pytorch/pull/{number}"
        message = (
            f'Revert "{subject}"\n\nThis reverts commit {oid}.\n\n'
            f"Reverted {url} on behalf of https://github.com/someone due to {reason}\n"
        )
        files: dict[str, str | bytes | Link | Exec | None] = {}
        for line in self.upstream.git("diff-tree", "-r", "--name-only", oid, f"{oid}^").splitlines()[0:]:
            there = self.upstream.git("ls-tree", f"{oid}^", "--", line)
            files[line] = self.upstream.show(f"{oid}^", line) if there else None
        return self.commit(self.upstream, "main", files, message)

    def nightly(self, date: str, commit: str = "main") -> str:
        """An entry of the nightly branch that names `commit`; the entry's own hash."""
        oid, tree = self.upstream.rev(commit), self.upstream.rev(f"{commit}^{{tree}}")
        return self.commit(self.upstream, "nightly", {}, f"{date} nightly release ({oid})\n", tree=tree)

    # The fork

    def fork_at(self, commit: str = "main") -> None:
        """The fork begins: its main is upstream's commit, and so are its picks and patches."""
        oid = self.upstream.rev(commit)
        branches = ("main", "poolside-cherry-picks", "poolside-main")
        specs = (f"+{oid}:refs/heads/{branch}" for branch in branches)
        self.fork.git("fetch", "-q", str(self.upstream.path), *specs)
        self.fork.git("symbolic-ref", "HEAD", "refs/heads/poolside-main")

    def pick(self, origin: str, trailer: bool = True, subject: str | None = None) -> str:
        """Upstream's commit as a pick on the fork, as ``git cherry-pick -x`` makes it; patches have to come later.

        The commit's own files are taken as they are upstream: its paths must be as on the fork before it.
        """
        message = self.upstream.git("log", "-1", "--format=%B", origin)
        if subject is not None:
            message = subject + "\n\n" + message.partition("\n\n")[2]
        if trailer:
            message += f"\n\n(cherry picked from commit {origin})\n"
        files: dict[str, str | bytes | Link | Exec | None] = {}
        for path in self.upstream.git("diff-tree", "-r", "--name-only", f"{origin}^", origin).splitlines():
            there = self.upstream.git("ls-tree", origin, "--", path)
            files[path] = self.upstream.show(origin, path) if there else None
        author = self.upstream.git("log", "-1", "--format=%an <%ae>", origin)
        oid = self.commit(self.fork, "poolside-cherry-picks", files, message, author)
        self.fork.git("update-ref", "refs/heads/poolside-main", oid)
        return oid

    def patch(self, files: Files, message: str | bytes, author: str = "Pat Cher <pat@poolside.example>") -> str:
        """An own patch on top of the fork's patches."""
        return self.commit(self.fork, "poolside-main", files, message, author)

    # Clones

    def clone(self, name: str = "clone", *options: str) -> Repo:
        """A clone of the fork with the upstream remote, as ``init`` leaves it, on the patches branch."""
        path = self.root / name
        if not options and (ready := self._prepared(path) or self._put_together(path)) is not None:
            return ready
        Repo(self.root, self.env).git("clone", "-q", *options, self.fork.path.as_uri(), str(path))
        repo = Repo(path, self.env)
        with (path / (".git/config" if (path / ".git").is_dir() else "config")).open("a") as config:
            config.write(self._settings())
        repo.git("fetch", "-q", *(option for option in options if option.startswith("--filter")), "upstream")
        return repo

    def _settings(self) -> str:
        """What the configuration of a clone says of upstream."""
        refspecs = (f"+refs/heads/{name}:refs/remotes/upstream/{name}" for name in ("main", "nightly"))
        return (
            f'[remote "upstream"]\n\turl = {self.upstream.path.as_uri()}\n'
            + "".join(f"\tfetch = {refspec}\n" for refspec in refspecs)
            + "\ttagOpt = --no-tags\n\tpushurl = DISABLE\n[poolside]\n\tbranch = poolside-main\n"
        )

    def _put_together(self, path: Path) -> Repo | None:
        """The clone that git makes by fourteen processes, made by two; None where anything about it is special."""
        ours = self.fork.refs("refs/heads")
        theirs = self.upstream.refs("refs/heads")
        head = (self.fork.path / "HEAD").read_text().removeprefix("ref: ").strip()
        if not (
            self._as_ever(self.fork)
            and self._as_ever(self.upstream)
            and (Path(self.env["HOME"]) / ".gitconfig").read_text() == GITCONFIG
            and {name for name in self.env if name.startswith("GIT_")} <= HERMETIC
            and head in ours
            and not self.fork.refs("refs/tags")
            and {"refs/heads/main", "refs/heads/nightly"} <= theirs.keys()
        ):
            return None
        branch = head.removeprefix("refs/heads/")
        url, other = self.fork.path.as_uri(), self.upstream.path.as_uri()
        default = (self.upstream.path / "HEAD").read_text().removeprefix("ref: refs/heads/").strip()
        who = f"{self.env['GIT_COMMITTER_NAME']} <{self.env['GIT_COMMITTER_EMAIL']}> {self.env['GIT_COMMITTER_DATE']}"
        begun = f"{'0' * 40} {ours[head]} {who}\tclone: from {url}\n"
        written = {
            "HEAD": f"ref: {head}\n",
            "config": f"{CORE.format('false')}\tlogallrefupdates = true\n"
            f'[remote "origin"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
            f'[branch "{branch}"]\n\tremote = origin\n\tmerge = {head}\n{self._settings()}',
            "packed-refs": "# pack-refs with: peeled fully-peeled sorted \n"
            + "".join(f"{oid} refs/remotes/origin/{ref[11:]}\n" for ref, oid in ours.items()),
            head: f"{ours[head]}\n",
            "refs/remotes/origin/HEAD": f"ref: refs/remotes/origin/{branch}\n",
            "FETCH_HEAD": "".join(
                f"{theirs[f'refs/heads/{name}']}\tnot-for-merge\tbranch '{name}' of {other.removesuffix('.git')}\n"
                for name in ("main", "nightly")
            ),
            "logs/HEAD": begun,
            f"logs/{head}": begun,
            "logs/refs/remotes/origin/HEAD": begun,
        }
        for name in ("main", "nightly"):
            oid = theirs[f"refs/heads/{name}"]
            written[f"refs/remotes/upstream/{name}"] = f"{oid}\n"
            written[f"logs/refs/remotes/upstream/{name}"] = f"{'0' * 40} {oid} {who}\tfetch -q upstream: storing head\n"
            if git_version() >= SERVERS_HEAD_IS_NOTED and name == default:
                written["refs/remotes/upstream/HEAD"] = f"ref: refs/remotes/upstream/{name}\n"
                written["logs/refs/remotes/upstream/HEAD"] = f"{'0' * 40} {oid} {who}\tfetch\n"
        for file, text in written.items():
            target = path / ".git" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        for folder in ("objects/info", "objects/pack", "refs/tags"):
            (path / ".git" / folder).mkdir(parents=True)
        repo = Repo(path, self.env)
        servers = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": f"{self.fork.path}/objects:{self.upstream.path}/objects"}
        tips = dict.fromkeys([*ours.values(), theirs["refs/heads/main"], theirs["refs/heads/nightly"]])
        pack = str(path / ".git/objects/pack/pack")
        repo.git("pack-objects", "-q", "--revs", pack, input="".join(f"{oid}\n" for oid in tips), env=servers)
        repo.git("read-tree", "--reset", "-u", "HEAD")
        return repo

    def _as_ever(self, server: Repo) -> bool:
        """Whether a server is set up as it was made."""
        config = server.path / "config"
        return config.read_text() == CORE.format("true") and not (server.path / "shallow").exists()

    # Copies of a world that was built before, because building one takes as long as most tests

    def prepare(self) -> None:
        """Keep a clone of this state for copies of this world, with few files in it all.

        The clones that there are belong to the state: they go along.
        """
        for repo in (self.upstream, self.fork, self.clone(PREPARED), *self._clones()):
            repo.git("-c", "repack.writeBitmaps=false", "repack", "-a", "-d", "-k", "-n", "-q")
            for folder in (repo.path / "objects", repo.path / ".git" / "objects"):
                for left in folder.glob("??"):
                    with suppress(OSError):  # what no ref leads to stays as it is where there was no pack before
                        left.rmdir()
        (self.root / PREPARED / ".git" / "made-from").write_text(self._state())

    def copied(self, root: Path, env: Mapping[str, str]) -> World:
        """The same world in another folder."""
        store.copy(self.root, root, PREPARED)
        copy = object.__new__(World)
        copy.root, copy.env, copy.clock, copy.made_from = root, env, self.clock, self.root
        copy.upstream, copy.fork = Repo(root / "upstream.git", env), Repo(root / "fork.git", env)
        for clone in copy._clones():
            copy._settle(clone, self.root)
        return copy

    def there(self, name: str = "clone") -> Repo:
        """A clone that there is."""
        return Repo(self.root / name, self.env)

    def _clones(self) -> list[Repo]:
        return [self.there(folder.parent.name) for folder in self.root.glob("[!.]*/.git")]

    def _settle(self, clone: Repo, source: Path) -> None:
        """Make a clone that was copied from the world at `source` one of this world."""
        for file in (clone.path / ".git/config", clone.path / ".git/poolside/stopped.json"):
            if file.exists():
                file.write_text(file.read_text().replace(f"{source}/", f"{self.root}/"))
        if not store.refresh(clone.path):
            clone.git("update-index", "-q", "--unmerged", "--refresh")

    def _state(self) -> str:
        """The refs of both servers, as files hold them."""
        found = [
            (file.relative_to(self.root), file.read_text())
            for repo in (self.upstream, self.fork)
            for file in sorted([repo.path / "HEAD", repo.path / "packed-refs", *(repo.path / "refs").rglob("*")])
            if file.is_file()
        ]
        return str(found)

    def _prepared(self, path: Path) -> Repo | None:
        """The clone that was kept, if nothing has changed since: it differs from a new one in nothing."""
        if self.made_from is None:
            return None
        note = self.made_from / PREPARED / ".git" / "made-from"
        if note.read_text() != self._state():
            return None
        store.copy(note.parent.parent, path, note.name)
        repo = Repo(path, self.env)
        self._settle(repo, self.made_from)
        return repo
