"""The practice clinic: a FHIR R4 server with synthetic people, run as a child process.

It is built from literal FHIR and imports nothing of the mapping, so that a mapping error cannot
hide on both sides. A parent starts it with `PracticeClinic` (`clinic.py`); the child's entry is
`__main__.py`. The server: `http_server.py` (HTTP) over `service.py` (FHIR) over
`resource_store.py` (SQLite in memory). Its people and their work: `everybody.py` and
`background_work.py`; what they do while one looks on: `simulated_colleagues.py`, at the pace of
`paced_clock.py`. Who is told of changes: `subscriptions.py`. How it misbehaves: `quirks.py`. What
tests do to it: `control.py`.
"""
