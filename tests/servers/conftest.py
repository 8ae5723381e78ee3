"""The servers, for the tests of this folder."""

from tests.servers.fixtures import *  # noqa: F403 - fixtures are found by their names
