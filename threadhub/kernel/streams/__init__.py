"""Ordered event logs: what every viewer replays, whoever wrote it.

A thread, a session and an operation each own one stream. `log` appends and reads,
`wakeups` tells waiting viewers that something new is there.
"""
