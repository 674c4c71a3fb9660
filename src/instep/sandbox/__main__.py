"""`python -m instep.sandbox chargebee|erp --db FILE ...`: run one sandbox server in this process.

Prints one JSON line when it answers: `{"system": ..., "url": ..., "pid": ...}`. A server is a module with
`add_options(parser)` and `build(options) -> ASGI application`; one more is added to `SERVERS`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from instep.sandbox.kit import serve

SERVERS = {
    "chargebee": "instep.sandbox.chargebee.server",
    "erp": "instep.sandbox.erp.server",
}


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m instep.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="system", required=True)
    for system, module in SERVERS.items():
        command = commands.add_parser(system, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        command.add_argument("--db", type=Path, required=True, help="SQLite file; made when it is not there")
        command.add_argument("--port", type=int, default=0, help="0 takes a free one")
        command.add_argument("--with-parent", action="store_true", help="end when the parent process ends")
        if words and words[0] == system:
            # Only the server that is meant is imported: the other may need what is not installed.
            importlib.import_module(module).add_options(command)
    options = parser.parse_args(words)
    app = importlib.import_module(SERVERS[options.system]).build(options)
    try:
        serve(app, system=options.system, port=options.port, with_parent=options.with_parent)
    except OSError as error:
        print(
            f"the {options.system} sandbox was not started\n"
            f"  why: port {options.port} on 127.0.0.1: {error.strerror or error}\n"
            "  fix: give another --port, or none for a free one",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
