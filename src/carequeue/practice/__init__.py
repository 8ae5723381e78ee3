"""The practice clinic: a FHIR R4 server with synthetic people, run as a child process.

It is built from literal FHIR and imports nothing of the mapping, so that a mapping error cannot
hide on both sides. A parent starts it with `PracticeClinic` (`clinic.py`); the child's entry is
`__main__.py`.
`server/`: HTTP (`http_server.py`) over FHIR (`batches.py`, `service.py`) over SQLite in memory
(`resource_store.py`); who is told of changes (`subscriptions.py`), how it misbehaves (`quirks.py`),
what tests do to it (`control.py`), when colleagues act (`paced_time.py`).
`people/`: who there is and what waits for them (`everybody.py`), and what they do while somebody
looks on (`simulated_colleagues.py`).
"""
