"""Whether the pushed patches tip is fit to be built: what is known of that here, before GitHub is asked."""

from __future__ import annotations

from collections.abc import Mapping

from git_poolside.config import Config
from git_poolside.errors import Refused
from git_poolside.git import refs
from git_poolside.git.layers import branch_of
from git_poolside.git.objects import Objects
from git_poolside.git.process import Git
from git_poolside.git.remotes import Remote
from git_poolside.operation.builds import Build
from git_poolside.stack import version, workflow
from git_poolside.stack.model import Oid, Role
from git_poolside.stack.provenance import Provenance

FOLDER = ".github/workflows/"


def prepared(git: Git, config: Config, remote: Remote, inputs: Mapping[str, str]) -> Build:
    """What would be built. Asks the fork's server, and raises `Refused` where the tip is not fit for it."""
    names = {role: config.ref(branch_of(config, role)) for role in Role}
    server = remote.listing([*names.values(), f"{config.published.prefix}*"])
    tip = _pushed(git, config, server.get(names[Role.PATCHES]))
    objects = Objects(git)
    snapshot = server.get(names[Role.SNAPSHOT])
    nightly, value = _stamped(git, config, objects, tip, snapshot)
    file = config.publish.workflow
    check_workflow(objects, config, tip, inputs)
    published = [ref.removesuffix("^{}") for ref, oid in server.items() if ref.endswith("^{}") and oid == tip]
    tips = {role.value: server.get(names[role]) for role in Role}
    return Build(
        config.branches.patches, tip, tips, nightly, value, file, dict(inputs), published[-1] if published else None
    )


def _pushed(git: Git, config: Config, there: Oid | None) -> Oid:
    """The patches tip, which has to be the same here and on the server: what is checked here is built there."""
    branch = config.branches.patches
    here = refs.read_one(git, config.ref(branch))
    if here is None:
        raise Refused(f"'{branch}' is not in this clone", hints=["git poolside init   (makes it from the fork's)"])
    if there != here:
        stands = f"{there[:9]} on" if there else "not on"
        raise Refused(
            f"'{branch}' is {here[:9]} here and {stands} '{config.remotes.fork}', which is where it is built from",
            hints=["git poolside push   (sends what is here)", "git poolside status   (shows how they differ)"],
        )
    return here


def _stamped(
    git: Git, config: Config, objects: Objects, tip: Oid, snapshot: Oid | None
) -> tuple[dict[str, str] | None, str | None]:
    """The nightly that the stamp names and the version's value. Raises `Refused` where they do not fit the snapshot.

    A stack without a stamp is fit only if there is no version to set.
    """
    main, again = config.branches.snapshot, ["git poolside sync   (sets the version anew)", "git poolside push"]
    value, date = _version(config, objects, tip)
    below = [f"^{snapshot}"] if snapshot and objects.has_commit(snapshot) else ["-n50"]
    commits = git.lines("rev-list", tip, *below, "--")
    stamp = next((one for oid in commits if (one := Provenance.of(objects.commit(Oid(oid)).text)).is_stamp), None)
    if stamp is None or stamp.nightly is None or stamp.upstream is None:
        if value is None:
            return None, None
        raise Refused(f"no commit of the stack says which nightly the version {value} is of", hints=again)
    if stamp.upstream != snapshot:
        stands = f"{snapshot[:9]} on" if snapshot else "not on"
        raise Refused(
            f"the version is of the nightly of {stamp.nightly} ({stamp.upstream[:9]}), but '{main}' is {stands} "
            f"'{config.remotes.fork}'",
            hints=again,
        )
    if date is not None and date != stamp.nightly.replace("-", ""):
        raise Refused(f"the version is {value}, but the stack stands on the nightly of {stamp.nightly}", hints=again)
    return {"date": stamp.nightly, "commit": stamp.upstream}, value


def _version(config: Config, objects: Objects, tip: Oid) -> tuple[str | None, str | None]:
    """The version variable's value on the tip and the date in it."""
    entry = objects.lookup(objects.commit(tip).tree, config.version.file.encode())
    if entry is None or entry.is_tree:
        return None, None
    try:
        found = version.find(objects.read(entry.oid), config.version.variable)
    except version.Ambiguous as error:
        raise Refused(
            f"{config.version.variable} is set on several lines of {config.version.file}: {error}",
            hints=["leave one of them with a date, commit and push that"],
        ) from error
    return (None, None) if found is None else (found.value.decode("utf-8", "replace"), found.date.decode())


def check_workflow(objects: Objects, config: Config, tip: Oid, inputs: Mapping[str, str]) -> None:
    """Raises `Refused` where the workflow of the tip cannot be run by hand with these inputs."""
    path = FOLDER + config.publish.workflow
    where = f"{path} on '{config.branches.patches}'"
    entry = objects.lookup(objects.commit(tip).tree, path.encode())
    if entry is None or entry.is_tree or entry.mode == 0o120000:
        raise Refused(
            f"there is no {where}",
            hints=["set workflow under [publish] in .poolside.toml to the build's file", "git poolside doctor"],
        )
    try:
        found = workflow.read(objects.read(entry.oid))
    except workflow.Unreadable as error:
        raise Refused(f"{where} cannot be read: {error}", hints=["mend the file, commit and push it"]) from error
    if found is None:
        raise Refused(
            f"{where} cannot be run by hand: it has no '{workflow.TRIGGER}'",
            hints=[f"add {workflow.TRIGGER}: below its on:, commit and push that"],
        )
    if problems := found.problems(inputs):
        raise Refused(
            "\n".join([f"{where} would not take the inputs:", *(f"  {problem}" for problem in problems)]),
            hints=["git poolside publish --input NAME=VALUE", "or set inputs under [publish] in .poolside.toml"],
        )
