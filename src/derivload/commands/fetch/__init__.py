"""`derivload fetch`: gets a PyTorch release's `torchgen` folder, through pip.

This folder holds the command, the code that runs pip, and the script that runs in a child process
with pip's classes. Nothing else may live here.
"""
