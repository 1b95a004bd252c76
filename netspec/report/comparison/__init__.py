"""Runs against each other: read, measured, held against a baseline, and shown."""
