"""Calls that their task group finishes, also after their caller was cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finish_in(sends: asyncio.TaskGroup, call: Coroutine[Any, Any, T], name: str) -> T:
    """Return what a call returns; if the caller is cancelled, `sends` finishes the call.

    A group that ends because of an error starts no call. It cancels the caller too, but in nested
    groups only some iterations of the event loop later: until then `CancelledError` is raised here.
    """
    try:
        task = sends.create_task(call, name=name)
    except RuntimeError as closing:
        call.close()
        raise asyncio.CancelledError from closing
    return await asyncio.shield(task)
