"""The simulator: sync against a world in which everything that can go wrong does.

    python -m tests.simulation --seeds 0:100000 [--jobs 2] [--store memory|real]

One seed is one run: a server with its own quirks (`quirks.py`), a cache, two processes over it, a
person who decides by every verb of the product (`deciding.py`), takes back and answers, colleagues
who edit, delete and make what we make, a network that loses,
delays and doubles, crashes at every step, a virtual clock. Everything is the program's own code but
the two ends: the server (`http_server.py`) and, for volume, the disk (`memory.py`, held equal to
SQLite by a test; `--store real` runs over the real one). After the last step nothing fails any
more, the person answers what is asked, and then all has to be well (`oracles.py`: I1 to I11 of
docs/sync.md).

    --without NAME      the same without one safeguard: a violation is found, and its shortest trace
    --list              the safeguards that can be taken away (`ablations.py`)
    --table             the machine of a decision, with how often each step of it happened
    --trace SEED        everything that happens in one run

Seeds replay exactly. The last line counts runs, edits, faults, crashes, prompts and violations; the
lines before it what fell under a limit that docs/sync.md names. Exit 1 where there was a violation:
its shortest trace is printed, made by leaving steps out of the run and playing it again.

How it is put together: `steps.py` makes a script of a seed; `world.py` plays it, `wire.py` is the
network, `watch.py` the cache, `person.py` and `colleague.py` are the people; `truth.py` holds every
accepted write against what people saw, as `plain.py` reads it. There are no threads: what happens
"at the same time" happens inside a request of somebody else.
"""
