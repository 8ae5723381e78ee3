"""The server that the sets are loaded into, for the tests of this folder."""

from tests.servers.fixtures import *  # noqa: F403 - fixtures are found by their names
