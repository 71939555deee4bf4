"""Random examples: everyone draws new ones at each run, and one seed repeats those of our own generators.

Hypothesis has a seed of its own: a failure prints it and the example, which then stands in an `@example`.
"""

from __future__ import annotations

import os
import random
from typing import Any

from hypothesis import HealthCheck, settings

VARIABLE = "ORDERCAST_TEST_SEED"
# Whoever reads it first, chooses: the workers of a run are children of that process.
SEED = os.environ.setdefault(VARIABLE, str(random.SystemRandom().randrange(1, 10**6)))

# No test is timed, and generating may be slow where the machine has something else to do.
BUSY = [HealthCheck.too_slow]
_EXAMPLES = 100


def register_profiles() -> None:
    """`make test`, continuous integration and a person at one test run the same; `thorough` draws twenty times as much:
    ``pytest --hypothesis-profile=thorough``.
    """
    everyone = settings(
        deadline=None, print_blob=True, derandomize=False, max_examples=_EXAMPLES, suppress_health_check=BUSY
    )
    settings.register_profile("everyone", everyone)
    settings.register_profile("thorough", everyone, max_examples=20 * _EXAMPLES)
    settings.load_profile("everyone")  # of itself, Hypothesis draws fixed examples where the variable CI is set


def examples(count: int, *, one_fixture_for_all: bool = False, **more: Any) -> settings:
    """How a property is drawn whose examples are dear: `count` of them in a usual run."""
    checks = [*BUSY, *([HealthCheck.function_scoped_fixture] if one_fixture_for_all else [])]
    count = max(1, count * settings().max_examples // _EXAMPLES)
    return settings(max_examples=count, suppress_health_check=checks, **more)


def chance_of(name: str) -> random.Random:
    """The chance of one test, which another test that draws more or less does not move."""
    return random.Random(f"{SEED} {name}")
