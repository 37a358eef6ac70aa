"""Turns documents into bytes, and writes bytes to files.

This folder has the JSON of the documents, shards, the manifest, the depfile, the stamps, JSON
Schemas, diagnostics in the formats of other programs, and the code that replaces a file. What the
documents say is not decided here.
"""
