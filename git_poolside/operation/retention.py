"""Taking published states off the fork's server that ``published.keep`` leaves out.

By itself, after a push that went through: a server that lets nothing be deleted then refuses nothing else. What
somebody may still ask for stays: a state that was built, and one with a patch that a stamp remembers as dropped, which
is put back from there if upstream takes its landing back (edge case L16). The operation log needs none: it holds its
tips.
"""

from __future__ import annotations

from collections.abc import Mapping

from git_poolside.config import Config
from git_poolside.git import refs
from git_poolside.git.nightlies import upstream_tip
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote
from git_poolside.operation import builds, journal
from git_poolside.operation.former import commits_of
from git_poolside.stack.model import Oid, RefChange
from git_poolside.stack.provenance import Provenance
from git_poolside.stack.retention import beyond
from git_poolside.terminal import by_line


def expired(
    git: Git, config: Config, remote: Remote, server: Mapping[str, Oid], record: str, tip: Oid
) -> dict[str, Oid]:
    """The records on the `server` that may go when `record` of the stack at `tip` is there, with their tags.

    They are fetched, if they are not here, to look into them. Raises `FarSideFailed`.
    """
    prefix = config.published.prefix
    names = {ref.removeprefix(prefix) for ref in (*server, record) if ref.startswith(prefix) and not ref.endswith("}")}
    far = [prefix + name for name in beyond(names, config.published.keep) if prefix + name != record]
    if not far:
        return {}
    made = {*remote.listing([f"{builds.prefix(config)}*"]), *refs.below(git, builds.prefix(config))}
    built = {ref.rpartition(".")[0].removeprefix(builds.prefix(config)) for ref in made}
    far = [ref for ref in far if ref.removeprefix(prefix) not in built]
    if not far or not remote.has(*far):
        return {}
    upstream, objects = upstream_tip(git, config), Objects(git)
    stack = (objects.commit(oid) for oid in commits_of(git, config, [tip], upstream))
    dropped = {old for commit in stack for old, _, _ in Provenance.of(commit.text).dropped}
    tips = {ref: server.get(f"{ref}^{{}}", server[ref]) for ref in far}
    if dropped & commits_of(git, config, tips.values(), upstream):
        far = [ref for ref in far if not dropped & commits_of(git, config, [tips[ref]], upstream)]
    return {ref: server[ref] for ref in far}


def take_off(git: Git, remote: Remote, gone: Mapping[str, Oid]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Delete records on the server, and here. Which went, and what there is to say about those that did not."""
    leases = [f"--force-with-lease={ref}:{tag}" for ref, tag in gone.items()]
    answer = remote.plain.talk(
        "push", "--no-atomic", "--porcelain", "--no-follow-tags", "--no-recurse-submodules", "--no-progress", *leases,
        remote.name, *(f":{ref}" for ref in gone), ok=range(-64, 256), quiet=True,
    )  # fmt: skip
    said = (line.split("\t") for line in by_line(answer.stdout.decode("utf-8", "replace")))
    flags = {words[1].partition(":")[2]: words for words in said if len(words) > 2}
    went = [ref for ref in gone if ref in flags and flags[ref][0] != "!"]
    here = refs.read(git, went)
    moves = [RefChange(ref, here[ref], None) for ref in went if here[ref] is not None]
    if moves:
        journal.carry_out(git, "poolside push", moves)
    left = [ref for ref in gone if ref not in went]
    if not left:
        return tuple(went), ()
    why = flags[left[0]][2] if left[0] in flags else (answer.complaint.splitlines() or ["it said nothing"])[0]
    return tuple(went), (f"'{remote.name}' keeps {left[0]} although published.keep leaves it out: {why}",)
