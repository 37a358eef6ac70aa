"""What an editor asks about a place in a text: what is there, and what may stand there.

Pure: texts, places and loaded definitions in, plain values out. Nothing here knows the protocol of
language servers, nor where the texts come from.

A text is looked at as it is typed, so it need not be YAML: entries and their keys are found by
lines and indents, which is how PyTorch's files are written.
"""
