"""Builds the pages into the package, or refuses to make one without them: a wheel without pages serves none."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGES = Path("src/ordercast/pages/index.html")


class PagesHook(BuildHookInterface[Any]):
    """Hatchling's build hook of this project (``tool.hatch.build.hooks.custom``)."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before a distribution is made; an editable one serves the pages of its checkout, built or not."""
        del build_data
        root = Path(self.root)
        if version == "editable" or (root / PAGES).is_file():
            return
        npm = shutil.which("npm")
        if npm is None or not (root / "web/package.json").is_file():
            raise RuntimeError(
                "The pages are not built, and cannot be: npm (Node.js 20 or newer) is missing. Install it, or run"
                " `make pages` first, which brings its own."
            )
        for command in ((npm, "ci", "--no-audit", "--no-fund"), (npm, "run", "build")):
            subprocess.run(command, cwd=root / "web", check=True)  # noqa: S603 - of ours
