"""A command that prints a new token, as a profile's `token_command` would be.

`python tests/servers/token_command.py http://127.0.0.1:PORT CONTROL_TOKEN`: asks `/control` of the
practice clinic for another token and prints it. The first token, which never runs out there, is the
control token. 1 and a sentence on standard error where the clinic does not answer.
"""

from __future__ import annotations

import json
import sys
import urllib.request


def main(argv: list[str]) -> int:
    """Print the new token; the exit code."""
    root, token = argv
    request = urllib.request.Request(
        f"{root.removesuffix('/fhir')}/control",
        data=b'{"renew_token": true}',
        headers={"Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            answer = json.load(reply)
    except OSError as wrong:
        sys.stderr.write(f"The clinic gave no new token: {wrong}.\n")
        return 1
    sys.stdout.write(answer["renew_token"] + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
