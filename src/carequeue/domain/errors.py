"""Errors for a person to read: what happened, that nothing is lost, what to do next.

In:  nothing. Out: exceptions, sorted by what the reader can do: choose another address, repair,
sign in, wait, update.
Why plain classes: a frozen exception breaks inside a context manager; never compare them either.
"""

from __future__ import annotations


class CareQueueError(Exception):
    """A failure with a sentence for the person; `exit_code` is what a script sees."""

    exit_code = 1


class NoSuchItem(CareQueueError):
    """A key that names nothing in this cache."""

    exit_code = 4


class BadQuestion(CareQueueError):
    """The person (or a script) asked for something impossible; nothing was changed."""

    exit_code = 2


class ProfileError(CareQueueError):
    """The profile is missing or cannot be read."""

    exit_code = 3


class CacheError(CareQueueError):
    """The cache cannot be opened or written: wrong key, newer version, full disk."""

    exit_code = 5


class LeaseLost(CareQueueError):
    """Another process has begun to sync this source; this process wrote nothing."""

    def __init__(self) -> None:
        super().__init__(
            "Another CareQueue has begun to sync this cache. Your changes are saved, and it sends "
            "them; you need not do anything."
        )


class ServerError(CareQueueError):
    """The server is unreachable, is no FHIR R4 server, or its reply cannot be used."""

    exit_code = 6


class SignInError(CareQueueError):
    """The server does not know the person, or does not allow the request."""

    exit_code = 7


class RuleError(CareQueueError):
    """A clock rule that cannot be used: names the rule, the key and the known choices."""

    exit_code = 3
