"""What holds for every test: no leaked task, no hidden deadline, nothing skipped in silence."""

import asyncio
import inspect
import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

# Examples are not timed one by one: a busy machine is no defect. pytest-timeout bounds the whole.
settings.register_profile("ongi", deadline=None, print_blob=True)
settings.load_profile("ongi")

# Commands speak the language of the locale: here, and in the processes they start, it names none.
for _name in ("LC_ALL", "LC_MESSAGES"):
    os.environ.pop(_name, None)
os.environ["LANG"] = "C.UTF-8"


@pytest.fixture
async def _no_task_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks left running: {sorted(task.get_name() for task in left)}"


@pytest.fixture(autouse=True)
def _every_test(request: pytest.FixtureRequest) -> None:
    function = getattr(request, "function", None)
    if request.node.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root")
    if inspect.iscoroutinefunction(function):
        request.getfixturevalue("_no_task_left")
