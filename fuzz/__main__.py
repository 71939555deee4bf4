"""``python -m fuzz <target> [libFuzzer options]``: feed one parser until something breaks or the time is over."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

FINDINGS = Path(__file__).parent / "findings"
CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    with atheris.instrument_imports(include=["ordercast"]):
        from .targets import TARGETS  # noqa: PLC0415 - instrumented as it is imported
    names = sys.argv[1:2]
    if not names or names[0] not in TARGETS:
        sys.exit(f"usage: python -m fuzz {{{','.join(TARGETS)}}} [libFuzzer options, such as -max_total_time=60]")
    name = names[0]
    grown, found = FINDINGS / name / "corpus", FINDINGS / name
    grown.mkdir(parents=True, exist_ok=True)
    options = [f"-artifact_prefix={found}/", "-max_len=4096", *sys.argv[2:], str(grown), str(CORPUS / name)]
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()


main()
