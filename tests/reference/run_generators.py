"""What a PyTorch's own generators write: PYTORCH OUT [SUBSET] [--torchgen-option ...].

Run by the Python that has PyYAML, and no derivload. PYTORCH is a checkout, or has `torchgen/` with
the YAML files and generators in `torchgen/packaged`. They run in one process, in the order of
PyTorch's tools/setup_helpers/generate_code.py, which is also what they take for the script that
runs them.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pytorch", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--subset", default="all")
    parser.add_argument("--disable-autograd", action="store_true")
    parser.add_argument("--operators-yaml-path")
    parser.add_argument("--legacy-operators", nargs="*")
    options = parser.parse_args()
    root = options.pytorch.resolve()
    sys.path.insert(0, str(root))
    sys.modules["__main__"].__file__ = str(root / "tools" / "setup_helpers" / "generate_code.py")

    is_checkout = (root / "tools" / "autograd").exists()
    package = "tools.autograd" if is_checkout else "torchgen.packaged.autograd"
    generators = import_module(f"{package}.gen_autograd")
    annotated = import_module(f"{package}.gen_annotated_fn_args")
    builder = import_module("torchgen.selective_build.selector").SelectiveBuilder

    selector = builder.get_nop_selector()
    if options.operators_yaml_path is not None:
        selector = builder.from_yaml_path(options.operators_yaml_path)
    if options.legacy_operators is not None:
        names = set(options.legacy_operators)
        selector = builder.from_legacy_op_registration_allow_list(names, True, True)
    autograd = root / package.replace(".", "/")
    folder = root / ("aten/src" if is_checkout else "torchgen/packaged") / "ATen" / "native"
    options.out.mkdir(parents=True)
    arguments = [
        str(folder / "native_functions.yaml"),
        str(folder / "tags.yaml"),
        str(options.out),
        str(autograd),
    ]
    if options.subset in ("pybindings", "all"):
        generators.gen_autograd_python(*arguments)
    if options.subset in ("libtorch", "all"):
        generators.gen_autograd(
            *arguments, disable_autograd=options.disable_autograd, operator_selector=selector
        )
    if options.subset in ("python", "all"):
        annotated.gen_annotated(*arguments)


main()
