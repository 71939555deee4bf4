"""The pages' types are made from the API: the file that they read is what the present server would make of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ordercast.api.application import openapi_document

WEB = Path(__file__).parents[2] / "web"


@pytest.mark.node
def test_the_types_of_the_pages_are_those_of_the_api(tmp_path: Path) -> None:
    node = shutil.which("node") or str(Path(__file__).parents[2] / ".venv/bin/node")
    document, made = tmp_path / "openapi.json", tmp_path / "schema.ts"
    document.write_bytes(openapi_document())

    subprocess.run(
        [node, WEB / "node_modules/openapi-typescript/bin/cli.js", document, "-o", made],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )

    kept = WEB / "src/api/schema.ts"
    assert made.read_text() == kept.read_text(), "run `make api-types`"
