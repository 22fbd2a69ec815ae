"""Reads that join several models or answer a question."""
