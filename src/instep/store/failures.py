"""What SQLite can't do, told as StoreError: what, why, and what to do about it.

Only failures of the file, the disk or another process are told; any other apsw error is a bug and stays itself.
"""

from __future__ import annotations

import apsw

from instep.errors import StoreError

_TOLD: tuple[tuple[type[apsw.Error], str, str], ...] = (
    (
        apsw.FullError,
        "the store is out of space",
        "make room on that disk, then run it again: nothing was lost, and what was not saved is done anew",
    ),
    (
        apsw.BusyError,
        "the store is locked by another process",
        "wait until the other command has ended, or stop it, then run it again",
    ),
    (
        apsw.LockedError,
        "the store is locked by another connection",
        "wait until the other command has ended, or stop it, then run it again",
    ),
    (
        apsw.NotADBError,
        "the file is not an Instep store",
        "name the right file, or move this one away to begin with an empty store",
    ),
    (
        apsw.CorruptError,
        "the store is damaged",
        "put the file away and restore the last backup; Instep finds what has changed since by itself",
    ),
    (
        apsw.ReadOnlyError,
        "the store can't be written to",
        "give the user who runs Instep the right to write the file and its directory",
    ),
    (
        apsw.PermissionsError,
        "the store can't be written to",
        "give the user who runs Instep the right to write the file and its directory",
    ),
    (
        apsw.CantOpenError,
        "the store can't be opened",
        "see that its directory is there and that the user who runs Instep may write in it",
    ),
    (
        apsw.IOError,
        "the store's disk does not work",
        "see to the disk (the system's log tells more), then run it again",
    ),
    (
        apsw.NoMemError,
        "there is not enough memory for the store",
        "end other programs or give Instep more memory, then run it again",
    ),
)


def told(error: BaseException, path: str) -> BaseException:
    """A StoreError that names the file in place of what SQLite said, or the error itself if it is a bug."""
    for kind, what, fix in _TOLD:
        if isinstance(error, kind):
            story = StoreError(f"{what}: {path}", why=f"SQLite says: {error}", fix=fix)
            story.__cause__ = error
            return story
    return error


def unreachable(error: OSError, path: str) -> StoreError:
    """The StoreError for a file that the operating system does not let us make or open."""
    return StoreError(
        f"the store can't be opened: {path}",
        why=error.strerror or str(error),
        fix="see that its directory is there and that the user who runs Instep may write in it",
    )
