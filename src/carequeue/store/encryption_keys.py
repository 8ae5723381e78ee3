"""The raw key of an encrypted cache: 32 random bytes, in hex, in a private file of the profile.

In:  the paths of a profile.  Out: the key's bytes, or a CacheError with what to do.
Why a missing key is never made anew beside a cache: the cache may hold work that the server does
not have yet, and only the old key opens it; a new one would look like a fresh start and lose it.
Not here: the keyring and the passphrase, which will only wrap these same bytes.
"""

from __future__ import annotations

import os
from typing import Final

from carequeue.domain.errors import CacheError
from carequeue.store.private_files import create_private, private_folder, read_private
from carequeue.store.profiles import ProfilePaths

#: Length of the key in bytes (SQLCipher's raw key, no derivation on open).
KEY_BYTES: Final = 32


def read_or_make_key(paths: ProfilePaths, may_create: bool) -> bytes:
    """The key of this profile; made on the first start where `may_create` and no cache exists.

    Raises CacheError where it is missing beside a cache, or cannot be trusted or read.
    """
    if paths.key.is_symlink() or paths.key.exists():
        return read_key(paths)
    if paths.cache.is_symlink() or paths.cache.exists():
        raise CacheError(
            f"The key of this cache is missing: {paths.key}. The cache is untouched; a new key "
            "could not open it, and work that is not sent yet would be lost, so none was made. "
            "Put the key file back from a backup, or open another profile with --profile."
        )
    if not may_create:
        return read_key(paths)
    private_folder(paths.folder, CacheError)
    # Where another process was quicker, its key is the one: what was drawn here is dropped.
    create_private(paths.key, os.urandom(KEY_BYTES).hex().encode() + b"\n", CacheError)
    return read_key(paths)


def read_key(paths: ProfilePaths) -> bytes:
    """The key as it is on disk. Raises CacheError where it is missing, not private or damaged."""
    try:
        written = read_private(paths.key, CacheError).strip()
    except FileNotFoundError:
        raise CacheError(
            f"There is no key at {paths.key}, so the cache cannot be opened. Nothing was changed. "
            "Put the key file back from a backup, or start with: carequeue connect URL"
        ) from None
    try:
        key = bytes.fromhex(written.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise CacheError(
            f"The key file {paths.key} is damaged: it must hold {KEY_BYTES * 2} hexadecimal "
            "digits. The cache is untouched, and no new key was made, because it could not open "
            "what is there. Put the key file back from a backup."
        )
    return key
