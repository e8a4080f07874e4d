"""All SQL of the center: plain functions on a connection; nothing here knows the event loop.

Moments are stored as integer microseconds since 1970 UTC, sentences as CBOR.
"""
