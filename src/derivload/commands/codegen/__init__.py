"""`derivload codegen`: options in, files of PyTorch's generators out, once or at each save."""
