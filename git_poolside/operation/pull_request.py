"""The pull request of a proposal: opened, or brought up to date; and its number noted in the patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from git_poolside.errors import Refused
from git_poolside.forge.failures import ApiFailed, Unanswered
from git_poolside.forge.github import Pull, Repository
from git_poolside.git.objects import FILES, Entry, Objects
from git_poolside.operation import sync
from git_poolside.operation.edit import Desk
from git_poolside.operation.proposals import Record
from git_poolside.operation.propose import Proposal
from git_poolside.stack.model import Commit, Oid
from git_poolside.stack.plan import noting
from git_poolside.stack.proposal import TEMPLATE_FOLDERS, TEMPLATES, body, renewed_body, shortened
from git_poolside.stack.provenance import pull_number
from git_poolside.stack.values import frozen


@frozen
class Offer:
    """A pull request as it is now: `opened` just now, or `renewed` (its title or text); `notes` say what is not."""

    pull: Pull
    opened: bool
    renewed: bool = False
    notes: tuple[str, ...] = ()


@frozen
class Words:
    """What a pull request says of patches."""

    title: str
    commits: tuple[Commit, ...]

    @classmethod
    def of(cls, made: Proposal, heading: str) -> Words:
        """The words for a proposal, under the title of the patch that was named first."""
        return cls(shortened(heading), tuple(one.new for one in made.patches))


def earlier(at: Desk, record: Record | None) -> Words | None:
    """What it said of what was pushed before."""
    if record is None or not record.patches:
        return None
    listing = at.git.lines("rev-list", "--reverse", record.tip, f"^{record.onto}", f"^{at.here.upstream}", "--")
    return Words(shortened(record.patches[0][1]), tuple(at.objects.commit(Oid(oid)) for oid in listing))


def offer(at: Desk, upstream: Repository, branch: str, words: Words, before: Words | None, draft: bool) -> Offer:
    """Open the pull request of a branch of the fork's, or renew what we wrote into the one that there is.

    Raises `Refused` where the branch has nothing that upstream lacks, `FarSideFailed` for the rest.
    """
    head = f"{at.config.github.fork.partition('/')[0]}:{branch}"
    base = at.config.upstream.branch
    if (there := _open(upstream, head, base)) is not None:
        return _renewed(upstream, there, words, before, draft)
    text = body(words.commits, template(at.objects, at.objects.commit(at.here.upstream).tree))
    try:
        made = upstream.create_pull(head=head, base=base, title=words.title, body=text, draft=draft)
    except ApiFailed as error:
        if error.names("No commits between"):
            raise Refused(
                f"upstream's '{base}' holds all that '{branch}' has, so there is nothing to open",
                hints=["git poolside sync   (drops what landed)"],
            ) from error
        if not error.names("already exists") or (there := _open(upstream, head, base)) is None:
            raise
        return _renewed(upstream, there, words, before, draft)
    except Unanswered:
        if (there := _open(upstream, head, base)) is None:
            raise
        made = there
    return Offer(made, True)


def _open(upstream: Repository, head: str, base: str) -> Pull | None:
    return next((one for one in upstream.pulls(head) if one.state == "open" and one.base == base), None)


def _renewed(upstream: Repository, there: Pull, words: Words, before: Words | None, draft: bool) -> Offer:
    """Renew the title and our part of the text, unless people have rewritten them."""
    changes: dict[str, str] = {}
    notes: list[str] = []
    if before is not None and there.title != words.title and words.title != before.title:
        if there.title == before.title:
            changes["title"] = words.title
        else:
            notes.append(f"#{there.number} keeps the title that people gave it")
    if before is not None:
        text = renewed_body(there.body, before.commits, words.commits)
        if text is None:
            notes.append(f"#{there.number} keeps the text that people gave it")
        elif text != there.body:
            changes["body"] = text
    if draft and not there.draft:
        notes.append(f"#{there.number} is open already, and stays no draft")
    if changes:
        there = upstream.update_pull(there.number, **changes)
    return Offer(there, False, bool(changes), tuple(notes))


def template(objects: Objects, tree: Oid) -> str:
    """Upstream's pull request template, empty if it has none (docs.github.com, "Creating a pull request template")."""
    for folder in TEMPLATE_FOLDERS:
        inside = objects.lookup(tree, folder.encode()) if folder else Entry(0o40000, tree)
        if inside is None or not inside.is_tree:
            continue
        for name, entry in objects.tree(inside.oid).items():
            if name.decode("utf-8", "replace").lower() in TEMPLATES and entry.mode in FILES:
                return objects.read(entry.oid).decode("utf-8-sig", "replace").replace("\r\n", "\n")
    return ""


@frozen
class Noted:
    """What became of noting the number: `tips` moved from and to, by ref; `why` not, in words, if it could not be."""

    patches: tuple[Oid, ...]
    tips: Mapping[str, tuple[Oid | None, Oid | None]]
    why: str = ""


def note(at: Desk, command: Sequence[str], made: Proposal, number: int) -> Noted:
    """Write a pull request's number into the patches that it offers, as an edit of the stack.

    One that came along because others need it keeps the number that it has.
    """
    wanted: dict[Oid, int] = {}
    for one in made.patches:
        has = pull_number(one.old.text, at.repository, subject_counts=False)
        if not one.picked and has != number and (has is None or not one.needed):
            wanted[one.old.oid] = number
    if not wanted:
        return Noted((), {})
    try:
        order = at.order(command, noting(at.stack, wanted), ())
        outcome = sync.execute(at.git, at.config, at.ui, order, no_stop=True)
    except Refused as error:
        return Noted((), {}, error.message)
    if outcome.kind != "done":
        return Noted((), {}, "; ".join(snag.message for snag in outcome.snags) or "it does not apply any more")
    return Noted(tuple(wanted), {change.ref: (change.before, change.after) for change in outcome.changes})
