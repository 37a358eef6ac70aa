"""A PyTorch as a rule's input: its files, and the folder that they stand in."""

# Where the generators and the YAML files are: in a checkout and, with no such files beside it, in
# what is installed or unpacked.
LAYOUTS = [
    ("tools/autograd", "aten/src/ATen/native"),
    ("torchgen/packaged/autograd", "torchgen/packaged/ATen/native"),
]
_VERSION = "version.txt"

def pytorch_files(targets):
    """The files of these targets, and those that a py_library has as data."""
    infos = [target[DefaultInfo] for target in targets]
    return depset(transitive = [info.files for info in infos] + [
        info.default_runfiles.files
        for info in infos
        if info.default_runfiles
    ])

def check_pytorch_files(paths, root, names, torch_version):
    """Fails, with what to write, where one of these files is missing below the root.

    Args:
      paths: dict or list of the paths of all files.
      root: the folder that PyTorch's files stand in, with a / at its end, or "".
      names: list of paths of files, from the root.
      torch_version: the release that was asked for, or "": version.txt has to be there too.
    """
    for name in names:
        if root + name not in paths:
            fail("pytorch has no %s: write a label of it too" % name)
    if not torch_version and root + _VERSION not in paths:
        fail("pytorch has no %s: write a label of it too, or torch_version = \"X.Y\"" % _VERSION)
