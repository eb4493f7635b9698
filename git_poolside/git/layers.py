"""Reading the stack: the tip of each role, the commits of each layer, the base they stand on.

The rules are design's "What a layer is": a commit that is on upstream's branch is never a patch; the picks tip
below the patches is recorded or shown, never a merge base.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git import line, refs
from git_poolside.git.diff import patch_ids
from git_poolside.git.merge import MergeOrt
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.reflogs import reflog
from git_poolside.git.standing import Known, Standing, standing
from git_poolside.stack.model import Commit, Layer, Oid, Role, Snag, Stack
from git_poolside.stack.provenance import Provenance, pull_number
from git_poolside.stack.values import frozen


@frozen
class Tips:
    """Where each role stands: `local` is this clone's branch, `remote` the fork's, `chosen` what counts.

    `rewritten` lists branches that the user has rewritten since they had the fork's commits. `diverged`: the picks or
    the patches have, and this clone's count.
    """

    local: dict[Role, Oid | None]
    remote: dict[Role, Oid | None]
    chosen: dict[Role, Oid | None]
    rewritten: tuple[str, ...] = ()
    diverged: bool = False


def branch_of(config: Config, role: Role) -> str:
    return {
        Role.SNAPSHOT: config.branches.snapshot,
        Role.PICKS: config.branches.picks,
        Role.PATCHES: config.branches.patches,
    }[role]


def refs_of(config: Config) -> list[str]:
    """The refs that the layers are read from: the roles' branches, the fork's and upstream's as last fetched."""
    roles = [ref(branch_of(config, role)) for role in Role for ref in (config.ref, config.fork_ref)]
    return [*roles, *(config.upstream_ref(branch) for branch in (config.upstream.branch, config.nightly.branch))]


def tips(git: Git, config: Config, known: Known, *, ours: bool = False) -> Tips:
    """The tip of every role. Raises `Refused` (snag ``diverged``) naming the commits on either side.

    With `ours` nothing is refused for that: where picks or patches have diverged, those of this clone count.
    """
    names = {role: branch_of(config, role) for role in Role}
    wanted = [config.ref(name) for name in names.values()] + [config.fork_ref(name) for name in names.values()]
    values = refs.read(git, wanted)
    local = {role: values[config.ref(name)] for role, name in names.items()}
    remote = {role: values[config.fork_ref(name)] for role, name in names.items()}
    chosen: dict[Role, Oid | None] = {}
    rewritten: list[str] = []
    diverged = False
    for role, name in names.items():
        here, there = local[role], remote[role]
        if here is None or there is None:
            chosen[role] = here or there
            continue
        stands = standing(git, config.ref(name), config.fork_ref(name), here, there, known)
        if stands is Standing.DIVERGED and ours and role is not Role.SNAPSHOT:
            diverged = True
        elif stands is Standing.DIVERGED or (stands is Standing.REWRITTEN and role is Role.SNAPSHOT):
            raise _diverged(git, config, name, here, there, known.leases.get(config.ref(name)))
        if stands is Standing.REWRITTEN:
            rewritten.append(name)
        chosen[role] = there if stands is Standing.THEIRS else here
    if diverged:
        chosen[Role.PATCHES] = local[Role.PATCHES] or remote[Role.PATCHES]
        chosen[Role.PICKS] = local[Role.PICKS] or _picks_there(git, config, chosen[Role.PATCHES], remote, known)
    return Tips(local, remote, chosen, tuple(rewritten), diverged)


def _picks_there(
    git: Git, config: Config, patches: Oid | None, remote: Mapping[Role, Oid | None], known: Known
) -> Oid | None:
    """The picks that the server had when our work began, in a clone without a branch of them; None if unknown."""
    now, lease = remote[Role.PICKS], known.leases.get(config.ref(config.branches.picks))
    if lease is not None or now is None or patches is None:
        return lease
    return now if refs.is_ancestor(git, now, patches) else None


def _diverged(git: Git, config: Config, name: str, here: Oid, there: Oid, lease: Oid | None) -> Refused:
    """Where an operation of ours, not pushed yet, made the commits of the `lease` anew, it can go either way."""
    fork = f"{config.remotes.fork}/{name}"
    lines = [f"'{name}' and '{fork}' have diverged"]
    for title, wanted, unwanted in ((f"only in {fork}:", there, here), (f"only in {name}:", here, there)):
        listing = git.lines("log", "-n", "6", "--format=  %h %s", wanted, f"^{unwanted}", "--")
        lines += [title, *listing[:5]] + (["  …"] if len(listing) > 5 else [])
    anew = lease is not None and not refs.is_ancestor(git, lease, here)
    take_in = ["git poolside sync --take-in   (keeps this clone's stack, and replays what came on it)"] if anew else []
    return Refused("\n".join(lines), snag="diverged", hints=[*take_in, PULL])


_REWRITTEN = "--allow upstream-rewritten   (goes on, when you have looked at both histories)"
PULL = "git poolside pull   (goes to the fork's stack, and carries over what is only here)"


def refuse_shallow(git: Git) -> None:
    """Raises `Refused`: what is on upstream and what is a patch cannot be told in a shallow clone (N10)."""
    if git.shallow:
        raise Refused(
            "this clone is shallow: its history ends early, so patches cannot be told from upstream's commits",
            snag="shallow",
            hints=["git fetch --unshallow   (a blobless clone, --filter=blob:none, is fine)"],
        )


def check_snapshot(git: Git, config: Config, snapshot: Oid | None, upstream: Oid) -> Snag | None:
    """Whether the snapshot branch is on upstream: a snag that can be allowed, or None. Raises `Refused`.

    Commits on it that upstream never had are the user's (N7); those that it once had mean that upstream's
    branch was rewritten (N6).
    """
    name = config.branches.snapshot
    if snapshot is None or line.is_ancestor(git, snapshot, upstream):
        return None
    once = once_upstream(git, config)
    gone = git.lines("rev-list", "-n", "1", snapshot, "--not", *once, "--") if once else ["x"]
    listing = git.lines("log", "-n", "6", "--format=  %h %s", snapshot, f"^{upstream}", "--")
    rewritten = f"{config.remotes.upstream}/{config.upstream.branch} was rewritten: '{name}' has commits that it had"
    if not gone:
        return Snag("upstream-rewritten", "\n".join([f"{rewritten} once and has no more", *listing]), _REWRITTEN)
    if snapshot in _stamped(git, config):
        ref = config.upstream_ref(config.upstream.branch)
        raise Refused(
            "\n".join([f"{rewritten}, by the stamp, and this clone never saw:", *listing]),
            snag="upstream-rewritten",
            hints=[f"git update-ref {ref} {snapshot} && git fetch {config.remotes.upstream}   (makes them known here)"],
        )
    merges = git.lines("rev-list", "-n", "1", "--merges", snapshot, f"^{upstream}", "--")
    only = " --no-merges" if merges else ""
    base = git.text("merge-base", snapshot, upstream).split()[0][:12]
    here, there = (refs.read_one(git, ref) for ref in (config.ref(name), config.fork_ref(name)))
    back = [f"git branch -f {name} {base}"] if here == snapshot else []
    if there == snapshot:
        back.append(
            f"git push --force-with-lease={name}:{snapshot[:12]} {config.remotes.fork} {base}:refs/heads/{name}"
        )
    raise Refused(
        "\n".join([f"'{name}' is to be a snapshot of upstream, but has commits of its own:", *listing]),
        snag="snapshot-has-commits",
        hints=[
            f"git checkout {config.branches.patches} && git cherry-pick{only} {upstream[:12]}..{snapshot[:12]}"
            "   (keeps them as patches)",
            *([f"{' && '.join(back)}   (then takes them off {name})"] if back else []),
        ],
    )


def _stamped(git: Git, config: Config) -> list[str]:
    """The commits of upstream's that the newest stamps say they stand on."""
    name = config.branches.patches
    tips = filter(None, refs.read(git, [config.ref(name), config.fork_ref(name)]).values())
    said = ("--format=%(trailers:key=Poolside-Upstream,valueonly)", "--grep=^Poolside-Upstream: ")
    return git.lines("log", "-n", "9", *said, *tips, "--")


def once_upstream(git: Git, config: Config) -> list[Oid]:
    """The tips that upstream's branch has had as far as this clone knows."""
    return [Oid(oid) for oid in dict.fromkeys(reflog(git, config.upstream_ref(config.upstream.branch)))]


def upstreams(git: Git, config: Config, upstream: Oid) -> list[Oid]:
    """`upstream` and the tips before it: what one of them has is upstream's, and no patch."""
    return list(dict.fromkeys([upstream, *once_upstream(git, config)]))


def base_of(git: Git, config: Config, tip: Oid, upstream: Oid) -> Oid | None:
    """The commit of upstream's that `tip` stands on, be it one that its branch has no more (N6).

    None where they have no history in common.
    """
    if not _gone(git, config, tip, upstream):
        return line.standing(git, tip, upstream)
    return Oid(git.settled("merge-base", tip, *upstreams(git, config, upstream)).text.splitlines()[0])


def _gone(git: Git, config: Config, tip: Oid, upstream: Oid) -> list[Oid]:
    """The commits below `tip` that upstream had once and has no more, newest first."""
    own = line.own(git, tip, [upstream])
    mine = set(line.own(git, tip, upstreams(git, config, upstream)))
    return [oid for oid in reversed(own) if oid not in mine]


def check_base(git: Git, config: Config, tip: Oid, upstream: Oid) -> Snag | None:
    """A snag if the stack stands on commits that upstream had once and has no more (N6, with a stale snapshot)."""
    gone = _gone(git, config, tip, upstream)
    if not gone:
        return None
    branch = f"{config.remotes.upstream}/{config.upstream.branch}"
    listing = git.lines("log", "--no-walk", "--format=  %h %s", *gone[:6], "--")
    return Snag(
        "upstream-rewritten",
        "\n".join([f"{branch} was rewritten: the stack stands on commits that it had once and has no more", *listing]),
        _REWRITTEN,
    )


class StackReader:
    """Reads a `Stack` out of the tips. `objects` and `merge` serve to check merge commits."""

    def __init__(self, git: Git, config: Config, objects: Objects, merge: MergeOrt, upstream: Oid) -> None:
        self.git = git
        self.config = config
        self.objects = objects
        self.merge = merge
        self.upstream = upstream
        self._upstreams = upstreams(git, config, upstream)
        self.notes: list[str] = []
        self.snags: list[Snag] = []
        self._check_merges = True

    def read(
        self, picks_tip: Oid | None, patches_tip: Oid | None, snapshot: Oid, *, check_merges: bool = True
    ) -> Stack:
        """The stack of those tips; a missing branch is an empty layer. Raises `Refused` for what is no stack."""
        self._check_merges = check_merges
        patches_tip = patches_tip or picks_tip or snapshot
        whole = self._own(patches_tip, ())
        below = self._picks_below(whole, picks_tip, patches_tip)
        if picks_tip in {c.oid for c in whole} and (below is None or line.is_ancestor(self.git, below, picks_tip)):
            self._refuse_swallowed(below, picks_tip)
            below = picks_tip  # picks that somebody added below the patches by hand, after what is recorded
        picks_tip = picks_tip or below or self._standing(patches_tip)
        picks_base = self._standing(picks_tip)
        picks = self.linear(self._own(picks_tip, ()))
        patches_base = below or self._standing(patches_tip)
        patches = self.linear(self._own(patches_tip, [*([below] if below else []), picks_tip]))
        return Stack(
            base=picks_base,
            picks=Layer(Role.PICKS, self.config.branches.picks, picks_base, picks_tip, tuple(picks)),
            patches=Layer(Role.PATCHES, self.config.branches.patches, patches_base, patches_tip, tuple(patches)),
        )

    def _refuse_swallowed(self, below: Oid | None, picks_tip: Oid | None) -> None:
        """Raises `Refused` if the picks branch was moved up past a stamp: it would make picks of patches."""
        assert picks_tip is not None
        for commit in self._own(picks_tip, [below] if below else []):
            if Provenance.of(commit.text).is_stamp:
                name = self.config.branches.picks
                raise Refused(
                    f"'{name}' holds the patches too, up to the stamp {commit.oid[:9]} {commit.subject}",
                    hints=[f"git branch -f {name} {below or self._standing(picks_tip)}   (puts it below them again)"],
                )

    def _own(self, tip: Oid, below: Iterable[Oid]) -> list[Commit]:
        """The commits of `tip` that neither are nor were upstream's and are not `below`, oldest first."""
        return [self.objects.commit(oid) for oid in line.own(self.git, tip, self._upstreams, below)]

    def _standing(self, tip: Oid) -> Oid:
        """The commit of upstream that `tip` stands on."""
        found = base_of(self.git, self.config, tip, self.upstream)
        if found is None:
            raise Refused(
                f"{tip[:12]} has no history in common with upstream",
                hints=["git poolside doctor", "is upstream.branch in .poolside.toml right?"],
            )
        return found

    def _picks_below(self, whole: Sequence[Commit], current: Oid | None, patches_tip: Oid) -> Oid | None:
        """The picks tip below the patches: recorded, published, current or derived; None for no picks."""
        names = {commit.oid for commit in whole}
        for commit in reversed(whole):
            recorded = Provenance.of(commit.text).picks
            if recorded and (recorded in names or self._upstream_has(recorded)):
                return Oid(recorded) if recorded in names else None
        for record in self._published():
            if record in names:
                return record
        if current is None or base_of(self.git, self.config, current, self.upstream) == current:
            return None
        if line.is_ancestor(self.git, current, patches_tip):
            return current
        return self._derived(whole, current)

    def _upstream_has(self, oid: str) -> bool:
        limits = (f"^{tip}" for tip in self._upstreams)
        answer = self.git.settled("rev-list", "-n", "1", oid, *limits, "--", ok=range(256))
        return answer.status == 0 and not answer.text

    def _published(self) -> list[Oid]:
        """The picks tips of the published states, newest first."""
        import json

        found: list[Oid] = []
        listing = refs.below(self.git, self.config.published.prefix)
        for tag in reversed(listing.values()):
            body = self.git.try_run("cat-file", "tag", tag).stdout.partition(b"\n\n")[2]
            try:
                found.append(Oid(str(json.loads(body)["tips"]["picks"])))
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
        return found

    def _derived(self, whole: Sequence[Commit], current: Oid) -> Oid | None:
        """The leading commits that equal a pick, now or in the reflog of the picks branch (edge case A3)."""
        once = reflog(self.git, self.config.ref(self.config.branches.picks))
        listing = self.git.lines(
            "rev-list", current, *dict.fromkeys(once), *(f"^{one}" for one in self._upstreams), "--"
        )
        picks = [self.objects.commit(Oid(oid)) for oid in listing]
        identities = patch_ids(self.git, [commit.oid for commit in (*whole, *picks)])
        known_ids = {identities[c.oid] for c in picks if c.oid in identities}
        known_pulls = {pull_number(c.text, self.config.github.upstream) for c in picks} - {None}
        known_words = {(c.author, c.subject) for c in picks}
        tip: Oid | None = None
        count = 0
        for commit in whole:
            equal = (
                identities.get(commit.oid) in known_ids
                or pull_number(commit.text, self.config.github.upstream) in known_pulls
                or (commit.author, commit.subject) in known_words
            )
            if not equal:
                break
            tip = commit.oid
            count += 1
        shown = [f"  {c.oid[:9]} {c.subject}" for c in whole[:count]]
        branch, patches = self.config.branches.picks, self.config.branches.patches
        self.snags.append(
            Snag(
                "derived-base",
                "\n".join(
                    [
                        f"'{patches}' does not stand on '{branch}'; it begins with {count} of its picks:"
                        if count
                        else f"'{patches}' does not stand on '{branch}', and holds none of its picks",
                        *shown,
                        *([f"all that follows counts as patches, from {whole[count].oid[:9]} {whole[count].subject}"]
                          if count < len(whole) else []),
                    ]
                ),
                "--allow derived-base   (says once that it is so)",
            )
        )  # fmt: skip
        return tip

    def linear(self, commits: list[Commit]) -> list[Commit]:
        """The layer without merges whose tree is merge-ort's own; refuses any other merge (edge case S2)."""
        linear: list[Commit] = []
        for commit in commits:
            if len(commit.parents) < 2:
                linear.append(commit)
                continue
            if self._check_merges and (len(commit.parents) > 2 or not self._is_clean_merge(commit)):
                if len(commit.parents) > 2:
                    what = "joins more than two lines, so nothing tells what it holds itself"
                    hints = ["merge them one after the other instead"]
                else:
                    what = "holds changes of its own, which a replay would lose"
                    hints = [
                        f"git show --remerge-diff {commit.oid[:12]}   (shows what it holds)",
                        "make a commit of its own of that, and merge again without it",
                    ]
                raise Refused(
                    f"{commit.oid[:12]} {commit.subject}\nis a merge that {what}",
                    snag="merge-in-layer",
                    patch=commit.oid,
                    hints=hints,
                )
            self.notes.append(
                f"{commit.oid[:9]} {commit.subject}: a merge with nothing of its own; its commits are put in line"
            )
        return linear

    def _is_clean_merge(self, commit: Commit) -> bool:
        bases = self.git.try_run("merge-base", "--all", *commit.parents).text.split()
        if len(bases) != 1:
            return False
        ours, theirs = (self.objects.commit(oid).tree for oid in commit.parents)
        base = self.objects.commit(Oid(bases[0])).tree
        self.merge.attributes_of(ours)
        merged = self.merge.merge(base, ours, theirs)
        return merged.conflict is None and merged.tree == commit.tree
