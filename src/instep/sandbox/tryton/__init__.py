"""A real Tryton of one's own: installed into its own environment, with a small company in its database.

Tryton is a program of its own under the GPL-3. It is installed beside Instep and not into it, runs as a process
of its own, and is talked to over HTTP; see `install` and `server`.
"""

from instep.sandbox.tryton.install import Installation, install
from instep.sandbox.tryton.person import Person
from instep.sandbox.tryton.server import Tryton, start

__all__ = ["Installation", "Person", "Tryton", "install", "start"]
