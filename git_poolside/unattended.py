"""What a sync tells when nobody watches: the page of its run on GitHub Actions, and the one issue (``--issue``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_poolside import actions, markdown
from git_poolside.context import Context
from git_poolside.errors import FarSideFailed, PoolsideError, Refused
from git_poolside.operation import issue
from git_poolside.operation.sync import Outcome

if TYPE_CHECKING:
    from git_poolside.forge.github import Repository

_AFTER = """
#### What to do

In a clone of the fork:

```sh
git poolside sync              # stops at the same place: resolve it, git add, git poolside sync --continue
git poolside push
```
"""
_KEPT = "Kept by `git poolside sync --issue`: it is brought up to date at every sync, and closed when one is through."


def fork(context: Context) -> Repository:
    """The fork on its forge. Raises `Refused` where there is no token, before anything is done."""
    from git_poolside.forge.connection import connect, fork_of

    return fork_of(connect(context.git, context.config, context.ui.pause), context.config)


def show(context: Context, outcome: Outcome) -> None:
    """Annotations and the job's summary, in a step of GitHub Actions."""
    if not actions.running() or outcome.order.kind != "sync":
        return
    title = "git poolside sync"
    head = markdown.headline(outcome)
    stop = outcome.rebuilt.stop
    if outcome.kind == "stopped" and stop is not None:
        lines = [f"{stop.commit.oid[:9]} {stop.commit.subject} does not apply", *stop.conflict.messages]
        if stop.culprit is not None:
            lines.append(f"because of upstream's {stop.culprit.oid[:9]} {stop.culprit.subject}")
        context.ui.annotate("error", f"{title}: {head}", "\n".join(lines))
    for snag in outcome.snags if outcome.kind == "refused" else ():
        context.ui.annotate("error", f"{title}: {snag.name}", f"{snag.message}\n{snag.hint}".strip())
    if outcome.kind in ("done", "nothing-to-do") and (outcome.pushed or not outcome.order.push):
        context.ui.annotate("notice", title, head + (", and pushed" if outcome.pushed and outcome.changes else ""))
    actions.summarise(markdown.of_outcome(context.config, outcome))


def tell(context: Context, repository: Repository, outcome: Outcome) -> FarSideFailed | None:
    """Open, renew or close the issue; what went wrong with it, if it did, for a sync that is over all the same."""
    stop = outcome.rebuilt.stop
    if outcome.kind in ("done", "nothing-to-do"):
        return _close(context, repository, f"{markdown.headline(outcome, markdown.code)}.")
    cause = [f"{snag.name} {snag.patch}" for snag in outcome.snags]
    if stop is not None:
        cause += [stop.commit.subject, *stop.conflict.paths, stop.culprit.oid if stop.culprit else ""]
    text = markdown.of_outcome(context.config, outcome)
    news = f"It waits for something else now.\n\n{markdown.of_stop(context.config, outcome)}"
    return _renew(context, repository, markdown.headline(outcome), text, "\n".join(cause), news)


def tell_refusal(context: Context, repository: Repository, error: Refused) -> None:
    """The issue about a sync that did not begin."""
    text = markdown.of_error("sync", error)
    failed = _renew(context, repository, "The sync is refused", text, error.message.partition("\n")[0], text)
    if failed is not None:
        context.ui.warn(f"the issue is not up to date: {failed.message}")


def _renew(
    context: Context, repository: Repository, title: str, text: str, cause: str, news: str
) -> FarSideFailed | None:
    where = actions.run_url()
    run = f"[The run]({where}). " if where else ""
    branch = context.config.branches.patches
    try:
        found, opened = issue.renew(repository, branch, title, f"{text}{_AFTER}\n{run}{_KEPT}\n", cause, news)
    except FarSideFailed as failed:
        return failed
    context.ui.talk(f"{'Opened' if opened else 'Brought up to date'}: {found.url}")
    return None


def _close(context: Context, repository: Repository, why: str) -> FarSideFailed | None:
    where = actions.run_url()
    try:
        found = issue.close(
            repository, context.config.branches.patches, why + (f" [The run]({where})." if where else "")
        )
    except FarSideFailed as failed:
        return failed
    if found is not None:
        context.ui.talk(f"Closed: {found.url}")
    return None


def failed(context: Context, error: PoolsideError) -> None:
    """An error that ends a command, in a step of GitHub Actions."""
    command = context.command[0]
    context.ui.annotate("error", f"git poolside {command}", error.message)
    if actions.running():
        actions.summarise(markdown.of_error(command, error))
