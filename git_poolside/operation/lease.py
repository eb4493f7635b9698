"""The leases of a push: which refs may be replaced on the server, and whether what came there is accounted for."""

from __future__ import annotations

from collections.abc import Mapping

from git_poolside.config import Config
from git_poolside.errors import LeaseLost, Refused
from git_poolside.git import refs
from git_poolside.git.layers import PULL, branch_of, tips
from git_poolside.git.nightlies import upstream_tip
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote, ask_upstream
from git_poolside.git.standing import Known, Standing, standing
from git_poolside.operation.arriving import arriving
from git_poolside.operation.remembered import TAKE_IN
from git_poolside.stack.model import Oid, Role
from git_poolside.ui import Ui


def replaced(
    git: Git, config: Config, remote: Remote, local: Mapping[str, Oid | None], server: Mapping[str, Oid], known: Known
) -> dict[str, tuple[Oid | None, Oid]]:
    """The refs to replace on the server, each with what it has there and shall have.

    A stale snapshot is none (edge case A2). Raises `LeaseLost`, saying what came, where this stack lacks it.
    """
    differing = {ref: tip for ref, tip in local.items() if tip is not None and server.get(ref) != tip}
    tracking = {ref: config.fork_ref(ref.removeprefix("refs/heads/")) for ref in local}
    here = refs.read(git, tracking.values())
    if stale := [ref for ref in local if ref in server and here[tracking[ref]] != server[ref]]:
        remote.fetch([f"+{ref}:{tracking[ref]}" for ref in stale])
    stands = {
        ref: standing(git, ref, tracking[ref], tip, server[ref], known)
        for ref, tip in differing.items()
        if ref in server
    }
    snapshot = config.ref(config.branches.snapshot)
    if Standing.DIVERGED in stands.values():
        _account(git, config, remote.ui, known)
    else:
        for ref, how in stands.items():
            if how is Standing.THEIRS and ref != snapshot:
                raise _moved_on(git, config, ref, differing[ref], server[ref])
    behind = stands.get(snapshot) is Standing.THEIRS
    return {ref: (server.get(ref), tip) for ref, tip in differing.items() if not (behind and ref == snapshot)}


def refuse_apart(
    git: Git, config: Config, local: Mapping[str, Oid | None], server: Mapping[str, Oid], known: Known
) -> None:
    """Raises `Refused` where picks that were made by hand are not below the patches: the fork would lack them.

    What an operation of ours put so, an undo, may go as it is, and so may a fork that was apart before (A3).
    """
    picks, patches = (config.ref(branch_of(config, role)) for role in (Role.PICKS, Role.PATCHES))
    below, above = local[picks], local[patches]
    if below is None or above is None or all(known.put.get(ref) == local[ref] for ref in (picks, patches)):
        return
    if refs.is_ancestor(git, below, above):
        return
    before = server.get(picks), server.get(patches)
    if before[0] and before[1] and not refs.is_ancestor(git, before[0], before[1]):
        return
    listing = git.lines("log", "-n", "6", "--format=  %h %s", below, f"^{above}", "--")
    raise Refused(
        "\n".join(
            [
                f"'{config.branches.patches}' does not stand on '{config.branches.picks}', and would lack of it:",
                *listing[:5],
                *(["  …"] if len(listing) > 5 else []),
            ]
        ),
        hints=["git poolside sync   (puts the patches on the picks again; then push)"],
    )


def standings(git: Git, config: Config, known: Known) -> dict[Role, Standing]:
    """How each branch stands that is here and, as the server was last asked, there, with another tip."""
    names = {role: branch_of(config, role) for role in Role}
    tips = refs.read(git, [ref for name in names.values() for ref in (config.ref(name), config.fork_ref(name))])
    found: dict[Role, Standing] = {}
    for role, name in names.items():
        ref, tracking = config.ref(name), config.fork_ref(name)
        here, there = tips[ref], tips[tracking]
        if here and there and here != there:
            found[role] = standing(git, ref, tracking, here, there, known)
    return found


def are_theirs(stands: Mapping[Role, Standing]) -> bool:
    """Whether somebody has moved the fork on; a stale snapshot alone says nothing (edge case A2)."""
    return any(how is Standing.THEIRS and role is not Role.SNAPSHOT for role, how in stands.items())


def _moved_on(git: Git, config: Config, ref: str, tip: Oid, there: Oid) -> LeaseLost:
    branch = ref.removeprefix("refs/heads/")
    listing = git.lines("log", "-n", "5", "--format=  %h %an: %s", there, f"^{tip}", "--")
    return LeaseLost(
        "\n".join([f"'{branch}' has moved on on '{config.remotes.fork}', and holds all that is here:", *listing]),
        hints=["git poolside pull   (moves this clone's branches along)"],
    )


def _account(git: Git, config: Config, ui: Ui, known: Known) -> None:
    """Renew the lease where this stack accounts for all that came. Raises `LeaseLost`, saying what came, if not."""
    here = tips(git, config, known, ours=True)
    snapshot = here.remote[Role.SNAPSHOT]
    if snapshot is not None and not refs.is_ancestor(git, snapshot, upstream_tip(git, config)):
        ask_upstream(git, config, ui)  # else upstream's newest commits would pass for the fork's own
    found = arriving(git, config, upstream_tip(git, config), here.chosen, here.remote)
    if not (found.came or found.edits):
        return
    fork = config.remotes.fork
    lines = [f"'{fork}' has commits that this stack does not have:"] if found.came else []
    came = [entry.oid for entry in found.came]
    lines += git.lines("log", "--no-walk=unsorted", "--format=  %h %an: %s", *came[:10], "--") if came else []
    lines += [f"  … and {len(came) - 10} more"] if len(came) > 10 else []
    if found.edits:
        lines += [f"the stack of '{fork}' was edited meanwhile:", *(f"  {edit}" for edit in found.edits)]
    raise LeaseLost("\n".join(lines), hints=[PULL] if found.edits else [TAKE_IN, PULL])
