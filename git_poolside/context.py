"""What a command is given: the repository, the configuration and the streams, each opened when first asked for."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from git_poolside.errors import Refused
from git_poolside.stack.values import mutable
from git_poolside.ui import Ui

if TYPE_CHECKING:
    from git_poolside.config import Config
    from git_poolside.git.process import Git


@mutable
class Context:
    """One run of one command. `command` is its argv from the command's name on."""

    ui: Ui
    command: tuple[str, ...]
    config_file: str | None = None
    folder: Path = Path()

    @cached_property
    def git(self) -> Git:
        """The repository here. Raises `NotARepository`, `Refused`."""
        from git_poolside.git.process import open_repository

        return open_repository(self.folder or Path.cwd())

    def setting(self, name: str) -> str | None:
        """What git-config(1) has for `name` here, be it in a repository or not."""
        if "git" in vars(self):
            return self.git.setting(name)
        from git_poolside.git.brief import ask

        return ask("config", "--get", name).removesuffix("\n") or None

    @cached_property
    def config(self) -> Config:
        """The configuration for a reading command; unknown keys are warned about."""
        config = self._load()
        for problem in config.unknown:
            self.ui.warn(problem)
        return config

    def _load(self) -> Config:
        from git_poolside.config import load

        recorded: str | None = None
        if (self.git.state_dir / "stopped.json").exists():  # seldom, and reading it takes much of the program
            from git_poolside.operation.stopped import recorded_config

            recorded = recorded_config(self.git)
        return load(self.git, self.config_file, recorded)

    def mutating_config(self, allow: frozenset[str] = frozenset()) -> Config:
        """The configuration for a command that changes something: unknown keys and foreign files refuse."""
        from git_poolside.config import Origin
        from git_poolside.git.process import require_version

        require_version()
        config = self._load()
        if config.unknown:
            raise Refused("\n".join(config.unknown), hints=["take the key out, or mend its spelling"])
        if config.origin is Origin.FOREIGN and config.steers and "foreign-config" not in allow:
            raise Refused(
                f"{config.where} is not from the patches branch, and it sets {', '.join(config.steers)}",
                snag="foreign-config",
                hints=[
                    f"git config poolside.branch {config.branches.patches}   (names the branch whose file rules)",
                    "--allow foreign-config   (goes on once)",
                ],
            )
        self.config = config
        return config
