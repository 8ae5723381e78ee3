"""The practice clinic: a FHIR R4 server with synthetic people, run as a child process.

It is built from literal FHIR and imports nothing of the mapping, so that a mapping error cannot
hide on both sides. A parent starts it with `PracticeClinic` (`clinic.py`); the child's entry is
`__main__.py`. The server: `server.py` (HTTP) over `service.py` (FHIR) over `store.py` (SQLite in
memory). Its people and their work: `people.py` and `team.py`; what they do while one looks on:
`script.py`, at the pace of `days.py`. Who is told of changes: `subscriptions.py`. How it
misbehaves: `quirks.py`. What tests do to it: `control.py`.
"""
