"""What has to hold after a command was killed, or failed, at one of its steps: nothing is lost, nothing is half done.

The next command of any kind (``status``) finds what was in flight; then a person types the command again.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from git_poolside.stack.model import Oid
from tests.crash.scenes import WORK, Scene, Stage, State
from tests.crash.tracer import ERRORS, Act, Run, Step, Tracer
from tests.scenario import Result

EXITS = {Act.INT: {130}, Act.TERM: {143}, Act.HUP: {129}}
ENDED = {0, 1, 3, 4, 5, 128}
"""How a command may end that met an error of the machine's."""
FOUND = re.compile(r"note: an interrupted '.*' was found and (finished|taken back)")
ROLES = ("refs/heads/main", "refs/heads/poolside-cherry-picks", "refs/heads/poolside-main")

LOG = "refs/poolside/operations"
"""It names the command, so it differs where one command did what two would have done."""


@dataclass
class Bench:
    """A scene with what it is before and after; `steps` are all its steps when nobody disturbs it, `status` its exit.

    `middle` is what it may also be, when the command is two in one.
    """

    stage: Stage
    old: State
    new: State
    steps: list[Step]
    status: int
    middle: State | None = None

    @classmethod
    def of(cls, scene: Scene, folder: Path, refs: str = "files") -> Bench:
        stage = Stage(scene, folder, refs)
        stage.set_up()
        old = stage.state()
        run = tracer(stage)(lambda: command(scene))
        assert run.status in (0, 3), run.err
        bench = cls(stage, old, stage.state(), run.steps, run.status)
        if scene.halves:
            stage.set_up()
            assert stage.run(*scene.halves[0]).status == 0
            bench.middle = stage.state().without(LOG)
        return bench

    def between(self, state: State) -> bool:
        """Whether the first of two halves is done and the second, a push, is nowhere noted."""
        if self.middle is None:
            return False
        return all(wrong.startswith("server") for wrong in state.without(LOG).differs(self.middle))


@dataclass
class Report:
    """One step tried: what is wrong after it, the words of all the commands."""

    act: Act
    step: Step | None
    wrong: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def need(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)


def command(scene: Scene) -> int:
    from git_poolside.cli import main

    return main(scene.command[0], list(scene.command[1:]))


def tracer(stage: Stage, at: int | str = 0, act: Act = Act.KILL) -> Tracer:
    return Tracer(stage.folder / "world", stage.clone.path, stage.environment, at=at, act=act)


def attempt(bench: Bench, at: int | str, act: Act) -> Report:
    """Do `act` at the step with this number, or of this name, then look at everything."""
    stage, scene = bench.stage, bench.stage.scene
    stage.set_up()
    traced = tracer(stage, at, act)
    report = Report(act, None)
    if act is Act.ALONE:
        traced.meanwhile = lambda: _meanwhile(bench, traced, report)
    _judge(bench, traced(lambda: command(scene)), report)
    return report


def cramped(bench: Bench, room: int) -> Report | None:
    """The command where the file system really has only so many KiB left; None when that was enough."""
    stage = bench.stage
    stage.set_up()
    ballast = stage.folder / "ballast"
    free = os.statvfs(stage.folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_frsize - room * 1024, 1))
    result = stage.run(*stage.scene.command)
    ballast.unlink()
    if result.status == bench.status and stage.state() == bench.new:
        return None
    report = Report(Act.FULL, Step(room, "the disk", "has so many KiB left"))
    _judge(bench, Run(result.status, result.out, result.err, hit=report.step), report)
    return report


def _judge(bench: Bench, run: Run, report: Report) -> None:
    scene, act = bench.stage.scene, report.act
    report.step = run.hit
    tell(report, " ".join(scene.command), Result(run.status, run.out, run.err))
    _ended(bench, run, act, report)
    _next_command(bench, run, act, report)
    _again(bench, report)
    _kept(bench, report)


def tell(report: Report, name: str, result: Result) -> None:
    """Keep what a command said; none may end in a traceback."""
    report.said += [f"$ git poolside {name}   -> {result.status}", result.out + result.err]
    report.need("Traceback" not in result.err and result.status != 70, f"'{name}' failed with a traceback")


def _run(bench: Bench, report: Report, *words: str) -> Result:
    result = bench.stage.run(*words)
    tell(report, " ".join(words), result)
    return result


def _meanwhile(bench: Bench, traced: Tracer, report: Report) -> None:
    """poolside is dead and a git process of its lives: nothing may begin or be taken back."""
    if traced.held is None or not (bench.stage.clone.path / ".git/poolside/lock").exists():
        return
    if not (bench.stage.clone.path / ".git/poolside/lock").read_text():
        return
    result = _run(bench, report, *bench.stage.scene.command)
    report.need(result.status == 1 and "another poolside operation" in result.err, "a second operation began")
    journal = bench.stage.clone.path / ".git/poolside/journal.json"
    there = journal.exists()
    _run(bench, report, "status")
    report.need(journal.exists() == there, "it was recovered while git was at it")


def _ended(bench: Bench, run: Run, act: Act, report: Report) -> None:
    """What the command left by itself."""
    if act in EXITS:
        report.need(run.status in EXITS[act] or run.status in (0, 3), f"exit {run.status}")
        report.need(not run.left, f"left running: {', '.join(run.left)}")
        report.need(not (bench.stage.clone.path / ".git/poolside/journal.json").exists(), "the journal is left")
        state = bench.stage.state()
        known = state.refs in (bench.old.refs, bench.new.refs) or bench.between(state)
        report.need(known or state.stopped, "refs neither old nor new")
    elif act in ERRORS or act is Act.CHILD:
        itself = act is Act.CHILD and run.hit is not None and run.hit.who == "poolside"
        report.need(run.status in ENDED or itself, f"exit {run.status}")


def _next_command(bench: Bench, run: Run, act: Act, report: Report) -> None:
    clone = bench.stage.clone
    flight = (clone.path / ".git/poolside/journal.json").exists()
    result = _run(bench, report, "status")
    report.need(result.status == 0, f"status exits {result.status}")
    report.need(not flight or FOUND.search(result.err) is not None, "it does not say what was in flight")
    state = bench.stage.state()
    if report.act in ERRORS and not state.stopped:  # git could not delete it; the end of the next stop does
        state = state.without("refs/poolside/stopped")
    roles = [{name: oid for name, oid in one.refs if name in ROLES} for one in (state, bench.old, bench.new)]
    report.need(roles[0] in roles[1:], "role refs neither all old nor all new")
    if state.stopped:
        report.need("Stopped at" in result.out, "status does not tell of the stop")
    elif not bench.between(state):
        wrong = min(state.differs(bench.old), state.differs(bench.new), key=len)
        wrong = [one for one in wrong if not one.startswith("server")]
        report.need(not wrong, f"neither as before nor as after: {wrong}")
    _own_work(bench, report)


def _own_work(bench: Bench, report: Report) -> None:
    for name, text in WORK.items():
        there = bench.stage.clone.path / name
        report.need(there.exists() and there.read_text() == text, f"{name} of the user's is not what it was")


def _again(bench: Bench, report: Report) -> None:
    """Typed again, the command comes to what it would have come to; a stop can be given up before."""
    stage, scene = bench.stage, bench.stage.scene
    state = stage.state()
    if state == bench.new:
        return
    if state.stopped and not bench.old.stopped:
        _run(bench, report, "sync", "--abort")
        wrong = stage.state().differs(bench.old)
        report.need(not wrong, f"after --abort: {wrong}")
    if bench.between(state):
        _run(bench, report, *scene.halves[1])
        wrong = stage.state().without(LOG).differs(bench.new.without(LOG))
    else:
        _run(bench, report, *scene.command)
        wrong = stage.state().differs(bench.new)
    report.need(not wrong, f"typed again it does not come to the same: {wrong}")
    _own_work(bench, report)


def _kept(bench: Bench, report: Report) -> None:
    """Nothing is lost to the garbage collector though every reflog is gone, and nothing is left lying about."""
    clone = bench.stage.clone
    clone.git("reflog", "expire", "--expire=now", "--all", check=False)
    clone.git("gc", "-q", "--prune=now", check=False)
    said = clone.git("fsck", "--strict", "--no-dangling", "--no-progress", check=False)
    report.need(not said, f"git fsck: {said}")
    tips = {Oid(oid) for state in (bench.old, bench.stage.state()) for _, oid in state.refs}
    missing = [
        line
        for line in clone.git("cat-file", "--batch-check", input="\n".join(sorted(tips))).splitlines()
        if line.endswith("missing") and not _gone(bench, line.split()[0])
    ]
    report.need(not missing, f"collected as garbage: {missing}")
    left = [str(path.relative_to(clone.path)) for path in (clone.path / ".git").rglob("*") if _litter(path)]
    if report.act is Act.READ_ONLY:  # nobody could delete it, and the next command that needs one will
        left = [name for name in left if "quarantine-" not in name]
    report.need(not left, f"left lying about: {left}")


def _gone(bench: Bench, oid: str) -> bool:
    """Whether it is a commit that merely kept others reachable during a stop that is over."""
    return oid == dict(bench.old.refs).get("refs/poolside/stopped") != dict(bench.new.refs).get("refs/poolside/stopped")


def _litter(path: Path) -> bool:
    if path.parent.name != "poolside":
        return path.suffix == ".lock"
    return path.name.startswith(("quarantine-", "exec-", "journal", "edit")) or path.suffix in (".lock", ".new")
