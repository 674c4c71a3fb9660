from __future__ import annotations

from .protection import Protection

PROTECTIONS: tuple[Protection, ...] = ()
