"""Files that only their owner may read: profiles and keys.

In:  a path, and the kind of error to raise.  Out: bytes, or one sentence that says what to do.
Why so strict: a profile names a command that is run for a token, and a key opens health records;
a link, a foreign owner or an open mode is how another user of the machine would reach either.
The checks look at the file that was opened, never at its name a moment before.
On Windows the folder of the user is private by its own rules; owner and mode are not looked at.
Not here: what the bytes mean (`profiles.py`, `encryption_keys.py`).
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from carequeue.domain.errors import CareQueueError

#: A profile has a few hundred bytes; whatever is larger than this is no file of ours.
LIMIT: Final = 1 << 20

_POSIX: Final = os.name == "posix"
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
# A named pipe in the place of the file must not hang the program.
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)


def read_private(path: Path, error: type[CareQueueError]) -> bytes:
    """The bytes of a private file, at most `LIMIT`.

    Raises FileNotFoundError where there is none, and `error` for a link, a foreign owner, a mode
    that lets others in, or whatever is not a plain file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _NO_FOLLOW | _NO_WAIT)
    except FileNotFoundError:
        raise
    except OSError as fault:
        raise _unopened(path, fault, error) from None
    try:
        _check(path, os.fstat(handle), error)
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(LIMIT + 1)
    finally:
        os.close(handle)
    if len(data) > LIMIT:
        raise error(
            f"{path} is larger than {LIMIT} bytes and was not read. Nothing was changed. "
            "Put the right file there."
        )
    return data


def private_file(path: Path, error: type[CareQueueError]) -> None:
    """Check a file that a library will open by its name; one that is not there yet is fine.

    Raises `error` for a link, a foreign owner, an open mode, or whatever is not a plain file. It
    stands in a folder of mode 0700, so between this look and the opening nobody else can change it.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    except OSError as fault:
        raise _unopened(path, fault, error) from None
    if stat.S_ISLNK(status.st_mode):
        raise _unopened(path, OSError(errno.ELOOP, ""), error)
    _check(path, status, error)


def private_folder(path: Path, error: type[CareQueueError]) -> None:
    """Make the folder with mode 0700, or check that the one that is there lets nobody else in."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
    except OSError as fault:
        raise _unopened(path, fault, error) from None
    if stat.S_ISLNK(status.st_mode):
        raise error(
            f"{path} is a symbolic link, and CareQueue keeps its files only in a folder of its "
            "own. Nothing was changed. Put the folder itself there."
        )
    _owned(path, status, "700", error)


def create_private(path: Path, data: bytes, error: type[CareQueueError]) -> bool:
    """Write a file that must not exist yet, whole or not at all; False where it is there already.

    The bytes are linked into place: nobody can ever see half a file under this name.
    """
    draft = _draft(path, data, error)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError as fault:
        raise _unopened(path, fault, error) from None
    finally:
        with suppress(OSError):
            draft.unlink()
    _flush_folder(path.parent)
    return True


def replace_private(path: Path, data: bytes, error: type[CareQueueError]) -> None:
    """Put new bytes in the place of a private file, in one step; what was there stays on error."""
    with suppress(FileNotFoundError):
        read_private(path, error)
    draft = _draft(path, data, error)
    try:
        draft.replace(path)
    except OSError as fault:
        with suppress(OSError):
            draft.unlink()
        raise _unopened(path, fault, error) from None
    _flush_folder(path.parent)


def _draft(path: Path, data: bytes, error: type[CareQueueError]) -> Path:
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        with suppress(OSError):
            draft.unlink()
        raise _unopened(path, fault, error) from None
    return draft


def _flush_folder(folder: Path) -> None:
    # Without it a power cut may keep the cache and lose the name of its key.
    if not _POSIX:
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _check(path: Path, status: os.stat_result, error: type[CareQueueError]) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise error(
            f"{path} is not a plain file and was not read. Nothing was changed. "
            "Put the file itself there."
        )
    _owned(path, status, "600", error)


def _owned(path: Path, status: os.stat_result, mode: str, error: type[CareQueueError]) -> None:
    if not _POSIX:
        return
    if status.st_uid != os.geteuid():
        raise error(
            f"{path} belongs to another user and is not trusted. Nothing was changed. "
            "Make it your own, or open another profile with --profile."
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise error(
            f"{path} is open to other users (mode {stat.S_IMODE(status.st_mode):o}) and is not "
            f"trusted. Nothing was changed. Close it with: chmod {mode} '{path}'"
        )


def _unopened(path: Path, fault: OSError, error: type[CareQueueError]) -> CareQueueError:
    if fault.errno == errno.ELOOP:
        return error(
            f"{path} is a symbolic link, and CareQueue trusts only a file of its own. "
            "Nothing was changed. Put the file itself there."
        )
    words = fault.strerror or "unknown fault"
    return error(
        f"{path} cannot be opened or written: {words}. Nothing was changed. "
        "Fix that, or open another profile with --profile."
    )
