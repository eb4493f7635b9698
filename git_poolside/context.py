"""What a command is given: the repository, the configuration and the streams, each opened when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from git_poolside.errors import Refused
from git_poolside.ui import Ui

if TYPE_CHECKING:
    from git_poolside.config import Config
    from git_poolside.git.process import Git


@dataclass
class Context:
    """One run of one command. `command` is its argv from the command's name on."""

    ui: Ui
    command: tuple[str, ...]
    config_file: str | None = None
    folder: Path = Path()

    @cached_property
    def git(self) -> Git:
        """The repository here. Raises `NotARepository`, `Refused` for one that cannot be worked with."""
        from git_poolside.git.process import MINIMUM, open_repository, version

        if version()[:2] < MINIMUM:
            raise Refused(
                f"git {'.'.join(map(str, version()))} is too old: poolside needs 2.39 or newer",
                hints=["update git"],
            )
        git = open_repository(self.folder or Path.cwd())
        if git.try_run("rev-parse", "--show-object-format").text == "sha256":
            raise Refused(
                "this repository uses sha256 object names, which poolside cannot read",
                hints=["use a clone of the fork in git's default object format, sha1"],
            )
        return git

    @cached_property
    def config(self) -> Config:
        """The configuration for a reading command; unknown keys are warned about."""
        from git_poolside.config import load
        from git_poolside.operation.stopped import recorded_config

        config = load(self.git, self.config_file, recorded_config(self.git))
        for problem in config.unknown:
            self.ui.warn(problem)
        return config

    def mutating_config(self, allow: frozenset[str] = frozenset()) -> Config:
        """The configuration for a command that changes something: unknown keys and foreign files refuse."""
        from git_poolside.config import Origin, load
        from git_poolside.operation.stopped import recorded_config

        config = load(self.git, self.config_file, recorded_config(self.git))
        if config.unknown:
            raise Refused("\n".join(config.unknown), hints=["take the key out, or mend its spelling"])
        if config.origin is Origin.FOREIGN and config.steers and "foreign-config" not in allow:
            raise Refused(
                f"{config.where} is not from the patches branch, and it sets {', '.join(config.steers)}",
                snag="foreign-config",
                hints=[
                    f"git config poolside.branch {config.branches.patches}   (names the branch whose file rules)",
                    "or go on once with --allow foreign-config",
                ],
            )
        self.config = config
        return config
