"""Documents as bytes, and bytes as files.

What may live here: the JSON of the documents, shards, the manifest, the depfile, JSON Schemas,
diagnostics in the formats of other programs, and how a file is replaced. What may not: what the
documents say.
"""
