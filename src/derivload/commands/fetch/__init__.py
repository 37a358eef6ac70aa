"""`derivload fetch`: a PyTorch release's `torchgen` folder, through pip.

What may live here: the command, how pip is run, and the script that runs inside pip's process.
"""
