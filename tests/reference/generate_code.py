"""A stand-in for PyTorch's tools/setup_helpers/generate_code.py: its options, calls and folders.

Tests put it into a tree that is laid out as PyTorch's. It knows nothing of derivload.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description="Generate code")
    parser.add_argument("--native-functions-path")
    parser.add_argument("--tags-path")
    parser.add_argument("--gen-dir", type=Path, default=Path())
    parser.add_argument("--install-dir", "--install_dir")
    parser.add_argument("--subset", choices=["libtorch", "pybindings", "python"])
    parser.add_argument("--disable-autograd", action="store_true")
    parser.add_argument("--selected-op-list-path")
    parser.add_argument("--operators-yaml-path", "--operators_yaml_path")
    parser.add_argument(
        "--force-schema-registration", "--force_schema_registration", action="store_true"
    )
    parser.add_argument("--gen-lazy-ts-backend", "--gen_lazy_ts_backend", action="store_true")
    parser.add_argument("--per-operator-headers", "--per_operator_headers", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(HERE.parents[1]))
    natives = options.native_functions_path or "aten/src/ATen/native/native_functions.yaml"
    tags = options.tags_path or "aten/src/ATen/native/tags.yaml"
    generate_autograd(options, natives, tags)
    generate_view_metas(options, natives, tags)
    if options.gen_lazy_ts_backend:
        generate_lazy(options, natives)


def selector_of(options: argparse.Namespace) -> object:
    builder = import_module("torchgen.selective_build.selector").SelectiveBuilder

    if options.operators_yaml_path is not None:
        return builder.from_yaml_path(options.operators_yaml_path)
    if options.selected_op_list_path is None:
        return builder.get_nop_selector()
    import yaml

    with Path(options.selected_op_list_path).open() as file:
        names = {name.split(".", 1)[0] for name in yaml.load(file, Loader=yaml.CSafeLoader)}
    return builder.from_legacy_op_registration_allow_list(names, True, True)


def generate_autograd(options: argparse.Namespace, natives: str, tags: str) -> None:
    gen_annotated = import_module("tools.autograd.gen_annotated_fn_args").gen_annotated
    gen_autograd = import_module("tools.autograd.gen_autograd").gen_autograd
    gen_autograd_python = import_module("tools.autograd.gen_autograd").gen_autograd_python

    selector = selector_of(options)
    install = options.install_dir or str(options.gen_dir / "torch/csrc")
    for_python = options.install_dir or str(options.gen_dir / "torch/testing/_internal/generated")
    generated = os.path.join(install, "autograd", "generated")
    for folder in (generated, for_python):
        os.makedirs(folder, exist_ok=True)
    autograd = str(HERE.parent / "autograd")
    if options.subset in ("pybindings", None):
        gen_autograd_python(natives, tags, generated, autograd)
    if options.subset in ("libtorch", None):
        gen_autograd(
            natives,
            tags,
            generated,
            autograd,
            disable_autograd=options.disable_autograd,
            operator_selector=selector,
        )
    if options.subset in ("python", None):
        gen_annotated(natives, tags, for_python, autograd)


def generate_view_metas(options: argparse.Namespace, natives: str, tags: str) -> None:
    generators = import_module("torchgen.gen_functionalization_type")
    if not hasattr(generators, "gen_functionalization_view_meta_classes"):
        return  # an older release
    builder = import_module("torchgen.selective_build.selector").SelectiveBuilder

    folder = options.gen_dir / "torch/csrc/functionalization/generated"
    folder.mkdir(parents=True, exist_ok=True)
    generators.gen_functionalization_view_meta_classes(
        natives,
        tags,
        builder.get_nop_selector(),
        str(folder),
        str(Path(natives).parents[1] / "templates"),
    )


def generate_lazy(options: argparse.Namespace, natives: str) -> None:
    generator = import_module("torchgen.dest.lazy_ir").GenTSLazyIR
    run_gen_lazy_tensor = import_module("torchgen.gen_lazy_tensor").run_gen_lazy_tensor

    aten = os.path.dirname(os.path.dirname(natives))
    install = options.install_dir or str(options.gen_dir / "torch/csrc")
    folder = os.path.join(install, "lazy", "generated")
    os.makedirs(folder, exist_ok=True)
    source = os.path.join(aten, "native/ts_native_functions.yaml")
    implementation = "torch/csrc/lazy/ts_backend/ts_native_functions.cpp"
    for path in (source, implementation):
        assert os.path.isfile(path), path
    run_gen_lazy_tensor(
        aten_path=aten,
        source_yaml=source,
        backend_name="TorchScript",
        output_dir=folder,
        dry_run=False,
        impl_path=implementation,
        node_base="TsNode",
        node_base_hdr="torch/csrc/lazy/ts_backend/ts_node.h",
        build_in_tree=True,
        lazy_ir_generator=generator,
        per_operator_headers=options.per_operator_headers,
        gen_forced_fallback_code=True,
    )


if __name__ == "__main__":
    main()
