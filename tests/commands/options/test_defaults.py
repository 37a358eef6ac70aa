"""What a command gets if no option is given, and if all are."""

from __future__ import annotations

import shlex

import pytest

from derivload.commands.options.command_line import make_parser
from derivload.commands.options.inputs import INPUTS, OVERLAYS, WARNINGS
from derivload.commands.settings.apply import parse_options

Options = dict[str, object]

COMMON: Options = {"no_settings": False, "quiet": False, "verbose": False, "color": "auto"}
INPUT: Options = {
    **{key: [] for key in ("derivatives", "native_functions", "backend_yaml")},
    **{key: [] for key in ("dispatch_key", "entry_key", "section")},
    **dict.fromkeys(("tags", "torch_version", "pytorch"), None),
    **dict.fromkeys(("override", "catalogue", "no_tree_code"), False),
}
WARNING: Options = dict.fromkeys(("select", "ignore", "extend_select", "extend_ignore"))
CACHE: Options = {"cache_dir": None, "no_cache": False}
REMOTE: Options = dict.fromkeys(
    (
        *("remote_cache", "remote_cache_mode"),
        *("remote_cache_limit", "remote_cache_upload_limit"),
    )
)
OUTPUT: Options = {
    "out_dir": "o",
    **dict.fromkeys(("depfile", "depfile_target", "depfile_for", "stats")),
}
DOCUMENTS: Options = {"shards": None, "places": False}
SELECTION: Options = {
    "subset": "all",
    **dict.fromkeys(("disable_autograd", "force_schema_registration"), False),
    **dict.fromkeys(("selected_op_list_path", "operators_yaml_path"), None),
}
OF_CHECK: Options = {
    "files": [],
    "format": "text",
    "stdin_filename": None,
    "explain": None,
    **dict.fromkeys(("fix", "unsafe_fixes", "diff", "fix_only", "watch", "strict"), False),
    **dict.fromkeys(("statistics", "codegen_rules", "no_codegen_rules"), False),
}
OF_LIST: Options = {
    **dict.fromkeys(("no_derivative", "no_forward", "saves_input", "saves_tensor"), False),
    **dict.fromkeys(("composite", "foreach", "from_overlay", "has_warnings"), False),
    "tag": [],
    "kernel": [],
    "operator": [],
    "format": "text",
}
OF_DIFF: Options = {"sides": ["a", "b"], "only": None, "overlay_only": False, "stat": False}
OF_WATCH: Options = {
    "out_dir": "o",
    "exec": None,
    "on_busy": "restart",
    "debounce": 0.005,
    "explore": None,
    **dict.fromkeys(("poll", "json", "once", "codegen"), False),
}
OVERLAY: Options = {name.replace("-", "_"): INPUT[name.replace("-", "_")] for name in OVERLAYS}
NOTHING_GIVEN: dict[str, Options] = {
    "emit --out-dir o": {**INPUT, **DOCUMENTS, **OUTPUT, **WARNING, **CACHE, **REMOTE},
    "codegen --out-dir o": {
        **INPUT,
        **SELECTION,
        **OUTPUT,
        **WARNING,
        **CACHE,
        **REMOTE,
        "install_dir": None,
        "jobs": None,
        "list_outputs": False,
    },
    "run s.py": {
        "is_module": False,
        "script": "s.py",
        "rest": [],
        "state_dir": None,
        "stats": None,
        **CACHE,
        **REMOTE,
    },
    "watch --out-dir o": {
        **INPUT,
        **DOCUMENTS,
        **OF_WATCH,
        **SELECTION,
        **WARNING,
        **CACHE,
    },
    "explore --out-dir o": {
        **INPUT,
        **WARNING,
        **CACHE,
        "out_dir": "o",
        "sides": [],
        "single_file": False,
    },
    "check": {**INPUT, **OF_CHECK, **WARNING, **CACHE},
    "lsp": {**INPUT, **WARNING, **CACHE},
    "show a": {**INPUT, **CACHE, "operator": ["a"], "json": False},
    "list": {**INPUT, **OF_LIST, **WARNING, **CACHE},
    "diff a b": {**OF_DIFF, **OVERLAY, **CACHE, "format": "text"},
    "verify": {**INPUT, "codegen": False, "keep": None, "compiled": None},
    "schema diff": {"name": "diff"},
    "cache stats": {
        "action": "stats",
        "max_size": None,
        "older_than": None,
        "remote": False,
        **REMOTE,
        "cache_dir": None,
    },
}
INSTEAD: Options = {
    **dict.fromkeys(("version", "cmake_dir", "bazel_dir"), False),
    "print_completion": None,
}


def parse(arguments: list[str]) -> Options:
    """What a command gets where no settings are."""
    return vars(parse_options(make_parser(arguments[0]), arguments, may_search=False))


@pytest.mark.parametrize("command", NOTHING_GIVEN)
def test_a_command_to_which_nothing_is_given_gets_the_defaults(command: str) -> None:
    name = command.split(maxsplit=1)[0]
    expected = {**NOTHING_GIVEN[command], **COMMON, **INSTEAD, "command": name}
    options = parse(command.split())
    assert {name: options[name] for name in expected} == expected


GIVEN_INPUTS = (
    "--derivatives d --derivatives e --native-functions n --native-functions m --override --tags t"
    " --dispatch-key K --entry-key E --section S --backend-yaml b --torch-version 2.3"
    " --pytorch p --catalogue --no-tree-code"
)
INPUTS_GIVEN: Options = {
    "derivatives": ["d", "e"],
    "native_functions": ["n", "m"],
    "override": True,
    "tags": "t",
    "dispatch_key": ["K"],
    "entry_key": ["E"],
    "section": ["S"],
    "backend_yaml": ["b"],
    "torch_version": "2.3",
    "pytorch": "p",
    "catalogue": True,
    "no_tree_code": True,
}
GIVEN_WARNINGS = "--select DL6 --select DL601 --ignore DL602,DL603 --extend-select ALL"
WARNINGS_GIVEN: Options = {
    "select": ["DL6", "DL601"],
    "ignore": ["DL602", "DL603"],
    "extend_select": ["ALL"],
}
GIVEN_REMOTE = (
    "--remote-cache u --remote-cache-mode off --remote-cache-limit 1500"
    " --remote-cache-upload-limit 0"
)
REMOTE_GIVEN: Options = {
    "remote_cache": "u",
    "remote_cache_mode": "off",
    "remote_cache_limit": 1.5,
    "remote_cache_upload_limit": 0,
}
GIVEN_OUTPUT = "--out-dir o --depfile d --depfile-target t --depfile-for cmake --stats"
OUTPUT_GIVEN: Options = {
    "out_dir": "o",
    "depfile": "d",
    "depfile_target": "t",
    "depfile_for": "cmake",
    "stats": "text",
}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            (
                f"emit {GIVEN_INPUTS} {GIVEN_WARNINGS} {GIVEN_REMOTE} {GIVEN_OUTPUT} --shards 3 "
                "--places --no-cache --no-settings --verbose --color never"
            ),
            {
                **INPUTS_GIVEN,
                **WARNINGS_GIVEN,
                **REMOTE_GIVEN,
                **OUTPUT_GIVEN,
                "shards": 3,
                "places": True,
                "no_cache": True,
                "no_settings": True,
                "verbose": True,
                "quiet": False,
                "color": "never",
            },
        ),
        ("emit --out-dir o --shards none --stats json", {"shards": None, "stats": "json"}),
        ("emit --out-dir o --shards 10000 --color auto", {"shards": 10_000, "color": "auto"}),
        (
            (
                f"codegen {GIVEN_INPUTS} {GIVEN_OUTPUT} --subset all --disable-autograd "
                "--selected-op-list-path s --force-schema-registration --install-dir i --jobs 1000"
            ),
            {
                **INPUTS_GIVEN,
                **OUTPUT_GIVEN,
                "subset": "all",
                "disable_autograd": True,
                "selected_op_list_path": "s",
                "operators_yaml_path": None,
                "jobs": 1000,
                "force_schema_registration": True,
                "install_dir": "i",
            },
        ),
        (
            "codegen --out-dir o --list-outputs --operators-yaml-path p",
            {"list_outputs": True, "operators_yaml_path": "p"},
        ),
        (
            "run --state-dir d --stats json -m m.n --stats a -- -b",
            {
                "state_dir": "d",
                "stats": "json",
                "is_module": True,
                "script": "m.n",
                "rest": ["--stats", "a", "--", "-b"],
            },
        ),
        (
            (
                "watch --out-dir o --exec 'a b' --on-busy queue --poll --debounce 250 --explore e "
                "--json --places"
            ),
            {
                "exec": "a b",
                "on_busy": "queue",
                "poll": True,
                "debounce": 0.25,
                "explore": "e",
                "json": True,
                "places": True,
            },
        ),
        ("watch --out-dir o --once --codegen --subset python", {"once": True, "codegen": True}),
        ("explore a b --out-dir o --single-file", {"sides": ["a", "b"], "single_file": True}),
        (
            "check --format sarif --strict --statistics --codegen-rules --stdin-filename f -",
            {
                "format": "sarif",
                "strict": True,
                "statistics": True,
                "codegen_rules": True,
                "stdin_filename": "f",
                "files": ["-"],
            },
        ),
        ("check --fix --unsafe-fixes", {"fix": True, "unsafe_fixes": True}),
        ("check --diff", {"diff": True}),
        ("check --fix-only", {"fix_only": True}),
        ("check --watch --no-codegen-rules", {"watch": True, "no_codegen_rules": True}),
        ("check --explain DL1", {"explain": "DL1"}),
        ("show a --json b", {"operator": ["a", "b"], "json": True}),
        (
            (
                "list a --tag x --tag y --kernel K --kernel L --json --no-derivative --no-forward "
                "--saves-input --saves-tensor --composite --foreach --from-overlay --has-warnings"
            ),
            {
                "operator": ["a"],
                "tag": ["x", "y"],
                "kernel": ["K", "L"],
                "format": "json",
                **{name: True for name, value in OF_LIST.items() if value is False},
            },
        ),
        ("list --format names", {"format": "names"}),
        (
            "diff a b c --only added,schema --only tags --overlay-only --stat",
            {
                "sides": ["a", "b", "c"],
                "only": [["added", "schema"], ["tags"]],
                "overlay_only": True,
                "stat": True,
            },
        ),
        ("diff a..b --json", {"sides": ["a..b"], "format": "json"}),
        ("diff a..b --format html", {"format": "html"}),
        ("verify --pytorch t --codegen --keep k", {"codegen": True, "keep": "k"}),
        ("verify --compiled", {"compiled": ""}),
        ("verify --compiled py", {"compiled": "py"}),
        ("fetch 2.15 --to d", {"to": "d"}),
        (
            f"cache prune --max-size 2M --older-than 3d --cache-dir c {GIVEN_REMOTE}",
            {
                "action": "prune",
                "max_size": "2M",
                "older_than": "3d",
                "cache_dir": "c",
                **REMOTE_GIVEN,
            },
        ),
        ("cache stats --remote --quiet", {"remote": True, "quiet": True}),
        *((f"--print-completion {s}", {"print_completion": s}) for s in ("bash", "zsh", "fish")),
        ("settings --as-json --no-settings", {"as_json": True, "no_settings": True}),
    ],
)
def test_what_is_given_has_a_name_and_a_value(arguments: str, expected: dict[str, object]) -> None:
    found = parse(shlex.split(arguments))
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("diff", "[OPTIONS] OLD [NEW [OPERATOR ...]] | OLD..NEW [OPERATOR ...]"),
        ("explore", "[OPTIONS] [SIDE ...] --out-dir DIR"),
        ("run", "[OPTIONS] (SCRIPT | -m MODULE) ARGS..."),
    ],
)
def test_usage_that_argparse_could_not_tell(command: str, usage: str) -> None:
    parser = make_parser(command).commands[command]
    assert parser.format_usage() == f"usage: derivload {command} {usage}\n"
    assert make_parser().format_usage().endswith(" COMMAND ...\n")


def test_settings_take_every_option_and_need_none() -> None:
    commands = make_parser().commands
    known = {name for parser in commands.values() for name in parser.options}
    assert commands["settings"].options.keys() == known
    assert not any(action.required for action in commands["settings"]._actions)


def test_options_that_say_one_thing_have_a_group_of_their_own() -> None:
    commands = make_parser().commands
    without_inputs = {"run", "diff", "schema", "fetch", "cache", "settings"}
    without_warnings = {*without_inputs, "show", "verify"}
    assert {name for name, parser in commands.items() if not parser.options_of(INPUTS)} == (
        without_inputs
    )
    assert {name for name, parser in commands.items() if not parser.options_of(WARNINGS)} == (
        without_warnings
    )
    named = {name.replace("_", "-") for name in INPUT}
    assert {name.removeprefix("--") for name in commands["emit"].options_of(INPUTS)} == named
    assert {*commands["emit"].options_of(WARNINGS)} == {
        *("--select", "--ignore", "--extend-select", "--extend-ignore")
    }
