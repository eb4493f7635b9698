"""Following a run: a table of its jobs that is drawn over on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from git_poolside.forge.failures import Unanswered
from git_poolside.forge.github import Job, Repository, Run, Step
from git_poolside.ui import Ui, clean, cut, table

_POLL = 10
"""Seconds between two looks; a run takes minutes to hours, and a token may ask 5,000 times an hour."""
_PATIENCE = 60
"""Looks in a row that may fail, so that a laptop that slept goes on watching."""
_SLOT = {"success": "good", "failure": "bad", "cancelled": "bad", "timed_out": "bad", "in_progress": "kept"}


def watch(repository: Repository, number: int, ui: Ui) -> tuple[Run, list[Job]]:
    """Follow a run to its end. Raises `Unanswered` when GitHub cannot be reached for long, and what Ctrl-C raises."""
    live = ui.is_terminal and not ui.quiet and os.environ.get("TERM") != "dumb"
    said: dict[str, str] = {}
    failures = 0
    while True:
        try:
            run, now = repository.run(number)
            jobs = repository.jobs(number)
        except Unanswered as error:
            failures += 1
            if failures > _PATIENCE:
                hints = [*error.hints, "git poolside publish --watch   (goes on watching)"]
                raise Unanswered(error.message, hints=hints) from error
            ui.sleep(_POLL)
            continue
        failures = 0
        if live:
            ui.redraw(picture(run, jobs, now, ui.width, ui.height, ui.paint))
        else:
            ui.talk(*_news(run, jobs, now, said))
        if run.is_over:
            return run, jobs
        for second in range(1, _POLL + 1):
            ui.sleep(1)
            if live:
                ui.redraw(picture(run, jobs, now + timedelta(seconds=second), ui.width, ui.height, ui.paint))


def picture(
    run: Run, jobs: Sequence[Job], now: datetime, width: int, height: int, paint: Callable[..., str]
) -> list[str]:
    """The run as it stands at `now`, in at most `height` lines: what goes on first, then what is over. The step that a
    job is at is a line of its own, where there is room for all.
    """
    took = since(run.created, run.updated if run.is_over else now)
    head = f"Run {run.number}: {_word(run)}, {took}, on {clean(run.branch)} ({run.head[:9]})"
    order = sorted(jobs, key=lambda job: (job.status == "completed", job.status != "in_progress"))
    room = max(1, height - 3)
    shown = [row for job in order for row in _rows(job, now)]
    if len(shown) > room:
        shown = [row for row in shown if row[0] is not None][:room]
    lines = [cut(line, width) for line in (head, *table(cells for _, cells in shown))]
    for at, (row, _) in enumerate(shown, 1):
        if row is not None and (slot := _SLOT.get(row.conclusion or row.status)):
            lines[at] = lines[at].replace(_word(row), paint(_word(row), slot), 1)
    left = len(order) - sum(row is not None for row, _ in shown)
    return lines + ([f"  and {left} more"] if left else [])


def _rows(job: Job, now: datetime) -> Iterator[tuple[Job | None, tuple[str, str, str]]]:
    """The line of a job, and that of the step which it is at."""
    yield job, (f"  {_word(job)}", f"{_took(job, now):>7}", clean(job.name))
    if (step := _current(job)) is not None:
        took = since(step.started, now) if step.started else ""
        yield None, ("", f"{took:>7}", f"  {_step(job)}")


def _news(run: Run, jobs: Sequence[Job], now: datetime, said: dict[str, str]) -> list[str]:
    """What has changed since the last look, a line each."""
    found = []
    for name, state in [*((job.name, _step(job) or _word(job)) for job in jobs), (f"run {run.number}", _word(run))]:
        if said.get(name) != state:
            said[name] = state
            found.append(f"{since(run.created, now):>7}  {clean(name)}: {state}")
    return found


def since(then: datetime, now: datetime) -> str:
    """The time between, as ``12s``, ``3m 02s``, ``1h 04m``."""
    seconds = max(0, int((now - then).total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes}m {seconds:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def failed(jobs: Sequence[Job]) -> list[str]:
    """The jobs that did not succeed, each with its step."""
    bad = [job for job in jobs if job.conclusion not in ("success", "skipped", "neutral")]
    steps = {job.name: [step.name for step in job.steps if step.conclusion in ("failure", "timed_out")] for job in bad}
    return [
        clean(f"{job.name}: {_word(job)}" + (f" at '{steps[job.name][0]}'" if steps[job.name] else "")) for job in bad
    ]


def _word(one: Run | Job) -> str:
    return clean(one.conclusion or one.status).replace("_", " ")


def _took(job: Job, now: datetime) -> str:
    return since(job.started, job.completed or now) if job.started and job.status != "queued" else ""


def _current(job: Job) -> Step | None:
    """The step that a job is at."""
    steps = job.steps if job.status == "in_progress" else ()
    return next((step for step in steps if step.status == "in_progress"), None)


def _step(job: Job) -> str:
    """That step in words: which of how many, and its name."""
    step = _current(job)
    return f"{job.steps.index(step) + 1}/{len(job.steps)} {clean(step.name)}" if step is not None else ""
