"""`derivload codegen`: writes the files of PyTorch's generators, once or at each save."""
