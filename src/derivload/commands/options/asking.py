"""The commands that answer: check, lsp, show, list, verify, schema, fetch, cache, settings."""

from __future__ import annotations

from derivload.commands.options.inputs import (
    OVERLAYS,
    add_cache_options,
    add_inputs,
    add_overlays,
    add_remote_options,
    add_warnings,
)
from derivload.commands.options.values import GROUPS, groups, path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.commands.options.parser import Commands

# How a command prints: what is set for all others does not count for it.
_OUTPUT = frozenset({"format", "json"})
# The filters of `list` that have no value: `engine.operators` has what each means.
_FILTERS = {
    "no-derivative": "those through which autograd can do nothing",
    "no-forward": "those with a backward formula and no forward formula",
    "saves-input": "those whose backward node keeps a whole input",
    "saves-tensor": "those whose backward node keeps any whole tensor",
    "composite": "those that call other functions, through which autograd sees",
    "foreach": "those that a foreach function applies to each tensor",
    "from-overlay": "those that an overlay declares or defines",
    "has-warnings": "those that `check` warns of",
}
# The schemas that ship: their names are written down, for a look at the folder takes time.
SCHEMAS = (
    *(
        "diagnostics",
        "diff",
        "differentiability",
        "functions",
        "in-force",
        "list",
        "manifest",
        "places",
        "settings",
    ),
    *("show", "statistics", "stats", "watch"),
)


def add_check(commands: Commands) -> None:
    """Add `check`."""
    parser = commands.add_parser(
        "check",
        help="find every mistake in the inputs",
        description="Find every mistake in the inputs, in one run.",
    )
    add_inputs(parser)
    parser.takes_files = True
    parser.add_argument(
        "--format",
        choices=["text", "json", "github", "sarif"],
        default="text",
        help="for people, for programs, as GitHub annotations, or for code scanning",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="an input, told by what is in it, instead of the option that names it; or a folder, "
        "for --pytorch; or - for what is on stdin, in the place of --stdin-filename",
    )
    parser.add_argument(
        "--stdin-filename",
        type=path,
        metavar="FILE",
        help="the input that what is on stdin stands for",
    )
    parser.add_argument("--fix", action="store_true", help="fix mistakes, where that is safe")
    parser.add_argument(
        "--unsafe-fixes",
        action="store_true",
        help="fix mistakes too where the meaning may change: look at each with --diff",
    )
    parser.add_argument(
        "--diff", action="store_true", help="show what --fix would change, and change nothing"
    )
    parser.add_argument(
        "--fix-only", action="store_true", help="fix mistakes, and do not report the others"
    )
    parser.add_argument("--watch", action="store_true", help="check again at each save")
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument(
        "--statistics", action="store_true", help="print how many mistakes break each rule"
    )
    parser.add_argument(
        "--codegen-rules",
        action="store_true",
        help="report what PyTorch's own generators refuse; by default with --pytorch, if they are "
        "those of a release and nothing is laid over PyTorch's own files",
    )
    parser.add_argument(
        "--no-codegen-rules", action="store_true", help="do not report what generators refuse"
    )
    parser.add_argument("--explain", metavar="CODE", help="explain a rule, and exit")
    add_warnings(parser)
    add_cache_options(parser)


def add_lsp(commands: Commands) -> None:
    """Add `lsp`."""
    parser = commands.add_parser(
        "lsp",
        help="be a language server for editors, on stdin and stdout",
        description="Serve editors by the Language Server Protocol, on stdin and stdout: "
        "diagnostics as they are typed, fixes, completion, and where things are. The inputs are "
        "found from the folder that the editor has open.",
    )
    add_inputs(parser)
    add_warnings(parser)
    add_cache_options(parser)


def add_show(commands: Commands) -> None:
    """Add `show`."""
    parser = commands.add_parser("show", help="show everything about operators")
    parser.own_settings = _OUTPUT
    parser.takes_list = True
    add_inputs(parser)
    add_cache_options(parser)
    parser.add_argument(
        "operator",
        nargs="+",
        metavar="OPERATOR",
        help="a name, with or without its overload; or a pattern such as 'mul*', a backward node, "
        "or what Python calls it",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def add_list(commands: Commands) -> None:
    """Add `list`."""
    parser = commands.add_parser(
        "list",
        help="list the operators that pass filters",
        description="List the functions that pass all of the filters, one a line.",
    )
    parser.own_settings = _OUTPUT
    parser.takes_list = True
    add_inputs(parser)
    group = parser.add_argument_group("filters")
    for name, does in _FILTERS.items():
        group.add_argument(f"--{name}", action="store_true", help=does)
    group.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="those with this tag; repeat it"
    )
    group.add_argument(
        "--kernel",
        action="append",
        default=[],
        metavar="KEY",
        help="those with a kernel for this dispatch key; repeat it. So does --dispatch-key with a "
        "key that torchgen lists",
    )
    parser.add_argument(
        "operator",
        nargs="*",
        metavar="OPERATOR",
        help="those of this name; or a pattern such as 'mul*', a backward node, or what Python "
        "calls it",
    )
    parser.add_argument(
        "--format",
        choices=["text", "names", "json"],
        default="text",
        help="for people, the names alone, or for programs",
    )
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="the same as JSON"
    )
    add_warnings(parser)
    add_cache_options(parser)


def add_diff(commands: Commands) -> None:
    """Add `diff`."""
    parser = commands.add_parser(
        "diff",
        help="show what changed between two releases, trees or revisions",
        description="Show what changed from OLD to NEW for a person who builds on it, operator by "
        "operator. A side is a PyTorch tree or a folder that `derivload fetch` made, a release "
        "such as 2.15, a folder of documents, or a revision of git. Without NEW, it is what the "
        "settings name, or the tree around the current folder. Exit status: 0 if nothing differs, "
        "1 if something does.",
        usage="derivload diff [OPTIONS] OLD [NEW [OPERATOR ...]] | OLD..NEW [OPERATOR ...]",
    )
    parser.add_argument(
        "sides",
        nargs="+",
        metavar="SIDE",
        help="the two sides, and then operators: their names, patterns such as 'mul*', backward "
        "nodes",
    )
    parser.add_argument(
        "--only",
        type=groups,
        action="append",
        metavar="KINDS",
        help="only changes of these kinds, with commas between: " + ", ".join(GROUPS),
    )
    parser.add_argument(
        "--overlay-only",
        action="store_true",
        help="only what touches the operators that the overlays and --backend-yaml name",
    )
    parser.add_argument("--stat", action="store_true", help="only how many functions changed")
    parser.add_argument(
        "--format",
        choices=["text", "markdown", "json", "html"],
        default="text",
        help="for a terminal, for a release note or a pull request, for programs, as a page",
    )
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="the same as JSON"
    )
    add_overlays(parser)
    add_cache_options(parser)
    parser.own_settings = frozenset({*_OUTPUT, *OVERLAYS})
    parser.takes_list = True


def add_verify(commands: Commands) -> None:
    """Add `verify`."""
    parser = commands.add_parser(
        "verify",
        help="compare with a tree's own torchgen, or with a compiled torch",
        description="Compare what derivload loads with what the torchgen in DIR gives, or, with "
        "--compiled, with the backward nodes that are compiled into a torch.",
    )
    add_inputs(parser)
    parser.add_argument(
        "--codegen",
        action="store_true",
        help="compare the files of PyTorch's own generators too",
    )
    parser.add_argument("--keep", type=path, metavar="DIR", help="keep what both sides give there")
    parser.add_argument(
        "--compiled",
        nargs="?",
        const="",
        metavar="PYTHON",
        help="the Python that imports this torch; by default the one that runs derivload",
    )


def add_schema(commands: Commands) -> None:
    """Add `schema`."""
    parser = commands.add_parser(
        "schema",
        help="print the JSON Schema of a document or of machine output",
        description="Print the JSON Schema of a document, of what a command prints for programs, "
        "or of derivload.toml (settings).",
    )
    parser.add_argument("name", choices=SCHEMAS, metavar="NAME", help=f"{', '.join(SCHEMAS)}")


def add_fetch(commands: Commands) -> None:
    """Add `fetch`."""
    parser = commands.add_parser(
        "fetch", help="get a PyTorch release's YAML files, from pip's index"
    )
    parser.add_argument(
        "version", metavar="VERSION", help="such as 2.15.0; 2.15 means the newest 2.15.x"
    )
    parser.add_argument("--to", required=True, metavar="DIR", help="a new or empty folder")


def add_cache(commands: Commands) -> None:
    """Add `cache`."""
    parser = commands.add_parser("cache", help="show, check or clean up the cache")
    parser.add_argument(
        "action",
        choices=["stats", "verify", "prune", "clear", "push", "pull"],
        help="what to do with it; push and pull move it to the remote cache and back",
    )
    parser.add_argument("--max-size", metavar="SIZE", help="prune: keep at most this, such as 200M")
    parser.add_argument(
        "--older-than", metavar="AGE", help="prune: remove values unused for this long, such as 30d"
    )
    parser.add_argument(
        "--remote", action="store_true", help="stats: say what the remote cache did, too"
    )
    parser.add_argument("--cache-dir", type=path, metavar="DIR", help="the folder of the cache")
    add_remote_options(parser)


def add_settings(commands: Commands) -> None:
    """Add `settings`, which takes the options of all commands before it."""
    parser = commands.add_parser(
        "settings",
        help="show what is in force, and where each value comes from",
        description="Show the value of every option that is in force, and where it comes from: "
        "an option, the line of a file, the tree around the current folder, or the default. The "
        "options of all commands can be given, to see what they would change.",
    )
    parser.add_argument("--as-json", action="store_true", help="print JSON, for programs")
    from copy import copy

    known = set(parser._option_string_actions)
    for command in dict.fromkeys(commands.choices.values()):
        for action in command._actions:
            if action.option_strings and known.isdisjoint(action.option_strings):
                known.update(action.option_strings)
                same = copy(action)
                same.required = False
                parser._add_action(same)
