"""`derivload lsp`: a language server, on stdin and stdout.

The work is done elsewhere: what is at a place of a text, and what may stand there, is in
`derivload.editing`, which knows no protocol; loading is in `derivload.loading`. Here are the
documents as an editor has them, one set of inputs that is loaded again after each change, and the
requests of the protocol, which turn one into the other.

pygls is imported nowhere but here, and lsprotocol only where pygls is: without them, every other
command works.
"""
