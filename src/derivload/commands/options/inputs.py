"""The options that most commands have: the inputs, the cache, and how much is said."""

from __future__ import annotations

from derivload.commands.options.values import codes, many_milliseconds, path

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


# The titles of the groups of options that say what the inputs are, and which warnings are wanted.
INPUTS = "inputs"
WARNINGS = "warnings"


# The options that say what is laid over a PyTorch, and how.
OVERLAYS = (
    *("derivatives", "native-functions", "override", "dispatch-key", "entry-key", "section"),
    *("backend-yaml", "no-tree-code"),
)


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the inputs."""
    group = parser.add_argument_group(
        INPUTS,
        "Without these, those that derivload.toml or pyproject.toml names, or the PyTorch tree "
        "around the current folder.",
    )
    _add_repeated(group, "--derivatives FILE", "derivatives.yaml; repeat it for each overlay")
    _add_repeated(
        group, "--native-functions FILE", "native_functions.yaml; repeat it for each overlay"
    )
    _add_override(group)
    group.add_argument("--tags", type=path, metavar="FILE", help="tags.yaml")
    _add_additions(group)
    group.add_argument(
        "--torch-version",
        metavar="X.Y",
        help="the release whose rules to follow; the newest by default",
    )
    group.add_argument(
        "--pytorch",
        type=path,
        metavar="DIR",
        help="a PyTorch checkout, or an installed or unpacked torchgen, for files and rules",
    )
    group.add_argument(
        "--catalogue",
        action="store_true",
        help="the small catalogue of examples that ships with derivload",
    )
    _add_no_tree_code(group)


def add_overlays(parser: argparse.ArgumentParser) -> None:
    """Add the options that name what is laid over the inputs."""
    group = parser.add_argument_group("overlays", "They are laid over both sides.")
    _add_repeated(group, "--derivatives FILE", "an overlay of derivatives.yaml; repeat it")
    _add_repeated(
        group, "--native-functions FILE", "an overlay of native_functions.yaml; repeat it"
    )
    _add_override(group)
    _add_additions(group)
    _add_no_tree_code(group)


def _add_override(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--override",
        action="store_true",
        help="an entry of an overlay takes the place of the earlier entry of the same name",
    )


def _add_additions(group: argparse._ArgumentGroup) -> None:
    _add_repeated(
        group,
        "--dispatch-key NAME",
        "a key that the backend adds to those that torchgen lists for kernels; repeat it",
    )
    _add_repeated(
        group,
        "--entry-key NAME",
        "a key of entries that only the backend's own tools read, or a pattern such as gen_*; "
        "repeat it",
    )
    _add_repeated(
        group,
        "--section NAME",
        "a section of an overlay that declares operators, besides custom and "
        "custom_autograd; repeat it",
    )
    _add_repeated(
        group,
        "--backend-yaml FILE",
        "what a backend registers, as torchgen.gen_backend_stubs reads it; repeat it",
    )


def _add_no_tree_code(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--no-tree-code",
        action="store_true",
        help="run no code of --pytorch DIR: fail where its rules of loading are not known",
    )


def _add_repeated(group: argparse._ArgumentGroup, option: str, what: str) -> None:
    """Add an option that may be repeated. `option` has its name, and what its value is."""
    name, _, metavar = option.partition(" ")
    kind = path if metavar == "FILE" else str
    group.add_argument(name, type=kind, action="append", default=[], metavar=metavar, help=what)


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where settings are read from."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--settings",
        type=path,
        metavar="FILE",
        help="read the settings in FILE, instead of those in the current folder or above it",
    )
    group.add_argument("--no-settings", action="store_true", help="read no settings")


def add_cache_options(parser: argparse.ArgumentParser) -> None:
    """Add the options about the cache."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--cache-dir",
        type=path,
        metavar="DIR",
        help="the folder of the cache; by default, the user's",
    )
    group.add_argument("--no-cache", action="store_true", help="neither read nor write a cache")


def add_remote_options(parser: argparse.ArgumentParser) -> None:
    """Add the options about the remote cache."""
    group = parser.add_argument_group("remote cache", "A cache that a team shares.")
    group.add_argument(
        "--remote-cache",
        metavar="URL",
        help="where it is: http://, https://, redis://, rediss://, s3://, gs:// or azblob://",
    )
    group.add_argument(
        "--remote-cache-mode",
        choices=["read", "write", "read-write", "off"],
        help="what it is used for; read-write by default, read in builds of pull requests",
    )
    group.add_argument(
        "--remote-cache-limit",
        type=many_milliseconds,
        metavar="MS",
        help="how many milliseconds a run may wait for it in vain; 200 by default",
    )
    group.add_argument(
        "--remote-cache-upload-limit",
        type=many_milliseconds,
        metavar="MS",
        help="how many a run may wait at its end for what it sends; the same by default",
    )


def add_warnings(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which warnings are wanted."""
    group = parser.add_argument_group(
        WARNINGS, "CODES are codes of rules, beginnings of them such as DL6, or ALL."
    )
    for name, does in (
        ("select", "report these warnings; all by default"),
        ("ignore", "do not report these warnings"),
        ("extend-select", "report these too, besides those selected in the settings"),
        ("extend-ignore", "do not report these either, besides those ignored in the settings"),
    ):
        group.add_argument(f"--{name}", type=codes, action="extend", metavar="CODES", help=does)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that all commands have."""
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument(
        "--quiet", action="store_true", help="print only results and what is wrong"
    )
    how_much.add_argument(
        "--verbose",
        action="store_true",
        help="say more: the versions, and which files, rules and cache are used",
    )
    parser.add_argument(
        "--color",
        choices=["auto", "always", "never"],
        default="auto",
        help="whether to colour what is printed; auto, the default, colours on a terminal",
    )
