"""What the process has imported that warm servers are forked from (`tests/warm.py`)."""

from __future__ import annotations

import gc
from importlib import import_module

from instep.sandbox.__main__ import SERVERS

for module in SERVERS.values():
    import_module(module)

# What is there now is never freed, so no collection in a forked process needs to touch it.
gc.collect()
gc.freeze()
