"""Asking the two remotes: the fork's server for the three tips, upstream for its branch and its nightlies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from git_poolside.config import Config
from git_poolside.errors import FarSideFailed, Refused
from git_poolside.git import refs
from git_poolside.git.process import Answer, Git
from git_poolside.git.promised import NOT_THERE
from git_poolside.stack.model import Oid
from git_poolside.stack.values import frozen
from git_poolside.terminal import by_line
from git_poolside.ui import Ui

_FETCH = (
    "fetch", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance",
)  # fmt: skip
_NOBODY_THERE = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never"}
"""With them, and away from the terminal, git and ssh fail where they would ask (git(1), ssh(1))."""
_OURS_ALONE = ("fetch.prune=false", "fetch.pruneTags=false", "fetch.writeCommitGraph=false")


@frozen
class Remote:
    """One remote of the repository by its name in the configuration."""

    git: Git
    name: str
    ui: Ui

    @property
    def plain(self) -> Git:
        """git for this remote, which does what it is asked and nothing more that is configured."""
        named = "=" not in self.name  # else it is a url, and no option can name it
        keys = ("prune", "pruneTags", "mirror") if named else ()
        own = (f"remote.{self.name}.{key}=false" for key in keys)
        return self.git.with_options(*_OURS_ALONE, *own)

    @property
    def exists(self) -> bool:
        return self.git.setting(f"remote.{self.name}.url") is not None

    def require(self, hint: str) -> None:
        """Raises `Refused` with `hint` when the remote is not configured."""
        if not self.exists:
            raise Refused(f"there is no remote '{self.name}' in this clone", hints=[hint])

    def listing(self, patterns: Sequence[str], *, heads: bool = False) -> dict[str, Oid]:
        """The server's refs that match, asked now; with `heads` of its branches alone. Raises `FarSideFailed`."""
        which = ["--heads"] if heads else []
        answer = self.plain.try_run("ls-remote", *which, self.name, *patterns)
        if answer.status:
            raise self._failed(answer)
        return _parsed(answer.stdout)

    @contextmanager
    def asked_ahead(self, patterns: Sequence[str]) -> Iterator[Callable[[], dict[str, Oid] | None]]:
        """Ask for the refs that match while something else is done; None where the server did not give them.

        That may be because a person has to be asked for a password: only one at a time can do that.
        """
        git = self.plain.with_environment(**_NOBODY_THERE)
        with git.conversation("ls-remote", self.name, *patterns, apart=True) as process:

            def answer() -> dict[str, Oid] | None:
                out, _ = process.communicate()
                return _parsed(out) if process.returncode == 0 else None

            yield answer

    def fetch(self, refspecs: Iterable[str]) -> None:
        """Fetch exactly `refspecs`: no tags, nothing pruned. Raises `FarSideFailed`."""
        answer = self._fetch(refspecs, quiet=self.ui.quiet)
        if answer.status:
            raise self._failed(answer)

    def has(self, *refspecs: str) -> bool:
        """Fetch what the server may not have; whether it had all of it. Raises `FarSideFailed` for the rest."""
        answer = self._fetch(refspecs, quiet=True)
        if answer.status and not any(word in answer.complaint for word in NOT_THERE):
            raise self._failed(answer)
        return answer.status == 0

    def add(self, ref: str) -> str:
        """Push a ref that the server must not have with another value; why it does not have it then, or "".

        It is told and not raised: what the ref says is here, and can be sent later.
        """
        answer = self.plain.talk("push", "--porcelain", "--no-follow-tags", "--no-recurse-submodules", self.name,
                                f"{ref}:{ref}", ok=range(-64, 256), quiet=True)  # fmt: skip
        if answer.status == 0:
            return ""
        refused = [line for line in by_line(answer.stdout.decode("utf-8", "replace")) if line.startswith("!\t")]
        said = [line.rpartition("\t")[2] for line in refused] or answer.complaint.splitlines()
        return said[0] if said else "it said nothing"

    def _fetch(self, refspecs: Iterable[str], quiet: bool) -> Answer:
        progress = ["--progress"] if not quiet and self.ui.is_terminal else ["-q"]
        return self.plain.talk(*_FETCH, *progress, self.name, *refspecs, ok=range(256), quiet=quiet)

    def follow(self, wanted: dict[str, str], listing: dict[str, Oid]) -> None:
        """Bring each tracking ref of `wanted` (server's ref -> ours) to where the `listing` has it.

        What the server lacks is left alone here.
        """
        here = refs.read(self.git, wanted.values())
        moved = [
            f"+{ref}:{tracking}"
            for ref, tracking in wanted.items()
            if ref in listing and listing[ref] != here[tracking]
        ]
        if moved:
            self.fetch(moved)

    def _failed(self, answer: Answer) -> FarSideFailed:
        said = answer.complaint or "it said nothing"
        what = f"the remote '{self.name}'" if self.exists else f"'{self.name}'"
        return FarSideFailed(
            f"{what} cannot be reached: {said.splitlines()[0].removeprefix('fatal: ')}",
            hints=[
                f"git ls-remote {self.name}   (tries the connection alone)",
                *([f"git remote get-url {self.name}   (shows where it points)"] if self.exists else []),
            ],
        )


def _parsed(listing: bytes) -> dict[str, Oid]:
    lines = (line.partition("\t") for line in by_line(listing.decode("utf-8", "surrogateescape")))
    return {ref: Oid(oid) for oid, _, ref in lines}


@contextmanager
def needless() -> Iterator[None]:
    """For asking that the command has ``--no-fetch`` for: one that fails says so."""
    try:
        yield
    except FarSideFailed as error:
        error.hints = (*error.hints, "--no-fetch   (goes by what was fetched last)")
        raise


def ask_both(git: Git, config: Config, ui: Ui, patterns: Sequence[str] = ()) -> dict[str, Oid]:
    """`ask_fork` and `ask_upstream`, waiting for both servers at once. Raises `FarSideFailed`, `Refused`."""
    wanted = [*_upstream_refs(config), *_tags(config)]
    with Remote(git, config.remotes.upstream, ui).asked_ahead(wanted) as answer:
        found = ask_fork(git, config, ui, patterns)
        ask_upstream(git, config, ui, answer())
    return found


def ask_fork(git: Git, config: Config, ui: Ui, patterns: Sequence[str] = ()) -> dict[str, Oid]:
    """The server's listing of the fork's three branches, and of `patterns`, now; their tracking refs follow."""
    remote = Remote(git, config.remotes.fork, ui)
    remote.require(f"git remote add {config.remotes.fork} URL   (the fork's server)")
    wanted = {f"refs/heads/{branch}": config.fork_ref(branch) for branch in config.branches.all}
    listing = remote.listing([*wanted, *patterns])
    remote.follow(wanted, listing)
    gone = [tracking for ref, tracking in wanted.items() if ref not in listing]
    for tracking, here in refs.read(git, gone).items():
        if here is not None:
            git.run("update-ref", "-d", tracking)
    return listing


def ask_upstream(git: Git, config: Config, ui: Ui, listing: dict[str, Oid] | None = None) -> None:
    """Fetch upstream's branch and where its nightlies are written, as the server's `listing` of now has them if it
    is given. Raises `FarSideFailed`, `Refused`.
    """
    remote = Remote(git, config.remotes.upstream, ui)
    remote.require("git poolside init --upstream URL   (adds it, with push disabled)")
    branches, wanted, tags = upstream_branches(config), _upstream_refs(config), _tags(config)
    listing = remote.listing([*wanted, *tags]) if listing is None else listing
    remote.follow(wanted, listing)
    for branch in branches:
        if f"refs/heads/{branch}" not in listing:
            key = "upstream.branch" if branch == config.upstream.branch else "nightly.branch"
            raise Refused(
                f"'{config.remotes.upstream}' has no branch '{branch}'",
                hints=[f"set {key} in .poolside.toml", f"git ls-remote --heads {config.remotes.upstream}"],
            )
    if tags:
        here = refs.below(git, tag_space(config))
        new = [
            f"+{ref}:{tag_space(config)}{ref.removeprefix('refs/tags/')}"
            for ref in listing
            if ref.startswith("refs/tags/")
            and not ref.endswith("^{}")
            and here.get(tag_space(config) + ref.removeprefix("refs/tags/")) != listing[ref]
        ]
        if new:
            remote.fetch(new)


def _upstream_refs(config: Config) -> dict[str, str]:
    """The branches of upstream's server that are followed, each with our ref."""
    return {f"refs/heads/{branch}": config.upstream_ref(branch) for branch in upstream_branches(config)}


def _tags(config: Config) -> list[str]:
    """The pattern of upstream's nightly tags, where those are the nightlies."""
    return [f"refs/tags/{config.nightly.tags}"] if config.nightly.source == "tags" else []


def upstream_branches(config: Config) -> list[str]:
    """The branches of upstream that are fetched, and no others."""
    branches = [config.upstream.branch]
    if config.nightly.source in ("branch", "tip") and config.nightly.branch not in branches:
        branches.append(config.nightly.branch)
    return branches


def tag_space(config: Config) -> str:
    """Where upstream's nightly tags are kept, apart from the clone's own tags."""
    return f"refs/poolside/nightly-tags/{config.remotes.upstream}/"
