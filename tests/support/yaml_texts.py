"""Parts of YAML texts to put together at random, and how a file has to be read."""

from __future__ import annotations

import yaml

from derivload.sources.entries import EntryValue, read_source

# What PyYAML raises for a text that it does not take: all but the first come from scalars that
# look like a date or a number, or are tagged as one, but are none.
_NONE_OF_ITS_TAG = (LookupError, AttributeError)


REJECTS = (yaml.YAMLError, ValueError, TypeError, OverflowError, *_NONE_OF_ITS_TAG)


def check_file(text: str) -> bool:
    """Check that a file is read entry by entry as it is read whole; tell whether it is valid."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as files are read
    source = read_source("file.yaml", text)
    try:
        items = yaml.load(text, Loader=yaml.CSafeLoader)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except REJECTS as error:
        assert source.diagnostics, f"{text!r} has no mistake, where PyYAML says: {error}"
        return False
    if not isinstance(root, yaml.SequenceNode) or has_bad_keys(root):
        assert source.diagnostics, f"{text!r} has no mistake"
        return False
    mappings = [
        (node, item) for node, item in zip(root.value, items, strict=True) if is_mapping(item)
    ]
    not_mappings = [d for d in source.diagnostics if d.code == "DL005"]
    assert len(not_mappings) == len(items) - len(mappings), text
    assert source.diagnostics == not_mappings or not items, text
    assert repr([e.value for e in source.entries]) == repr([item for _, item in mappings]), text
    for read, (node, _) in zip(source.entries, mappings, strict=True):
        assert starts_at(read, text.count("\n", 0, node.start_mark.index) + 1, text), text
    return True


def is_mapping(value: object) -> bool:
    return isinstance(value, dict)


def has_bad_keys(node: yaml.Node) -> bool:
    if isinstance(node, yaml.SequenceNode):
        return any(map(has_bad_keys, node.value))
    if not isinstance(node, yaml.MappingNode):
        return False
    scalars = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    # torchgen's loader makes a value of each key by itself, which these two have not.
    if any(key.tag.endswith((":merge", ":value")) for key in scalars):
        return True
    keys = [yaml.CSafeLoader("").construct_object(key) for key in scalars]
    inside = any(has_bad_keys(key) or has_bad_keys(value) for key, value in node.value)
    return inside or len(keys) != len(set(keys))


def starts_at(read: EntryValue, line: int, text: str) -> bool:
    """Whether an entry's line is that of its node, or of the dash with only comments between."""
    between = text.split("\n")[read.entry.line - 1 : line - 1]
    return read.entry.line == line or (
        read.entry.line < line and all(part.lstrip("- ")[:1] in ("", "#") for part in between)
    )


PLAIN_SCALARS = [
    *("x", "foo", "x y", "x  y", "True", "no", "On", "null", "y", "x:y", "x#c", "x #c", "it's"),
    *('x"y', "a, b", "(x)", "/x", "-x", "-(x)", "1 * (y)", "1/2", "[a, b]", "[True, 'x', \"y\"]"),
    *("'x'", "''", '"x"', '""', "{}", "x ", "'a # b: c'", "x [y] {z}, &a *b !c", "_1"),
]


ODD_SCALARS = [
    *("1", "-1", "+1", "0x1F", "0o7", "017", "1_000", "1.5", ".5", "-.inf", ".NaN", "1e3", "1:30"),
    *("12:30:45", "2001-12-14", "2001-12-14t21:59:43.10-05:00", "2001-99-99", "~", "=", "<<"),
    *("- x", "- - x", "-", "--", "---", "...", "?x", "? x", ":x", ": x", "x: y", "x:", "x :y"),
    *("[a", "[]", "[a,]", "[a: b]", "[a # c]", "[1]", "[a]b", "[a, , b]", "{a: b}", "{ }", "{a}"),
    *("&a x", "&a", "*a", "!!str 1", "!x y", "!!int '1'", "!!set {a}", "@x", "`x`", "%x", ">x"),
    *("'it''s'", "'x' y", "'x': y", '"a\\n"', '"a\\"b"', '"x" # c', '"x"y', '"x', "'x", "'x'#c"),
    *("x\ty", "\tx", "x\t", "é", "x\x85y", "x\u2028y", "x\u2029y", "\ufeffx", "\x01", "x\ry"),
    *("|x", "||", "#c", "# c", "x" * 1030),
]


FRAGMENTS = [
    *("a", "b", "x", "1", "a:", "b:", "a: ", "b: ", "x: y", " ", "  ", "\n", "\n  ", "\n  a: "),
    *("\n  b: ", "\n  c: ", "\n    ", "\n    x", "\n    a: ", "\n  - ", "\n    - ", "\n - ", "- "),
    *(
        "\n#",
        " #",
        "\n  # c",
        "'",
        '"',
        "''",
        '""',
        "'x'",
        '"x"',
        "[",
        "]",
        ",",
        "[a, b]",
        "{",
        "}",
    ),
    *(
        "{}",
        "|",
        "|\n    x",
        "|\n      x\n    y",
        "\n\n",
        "\n  \n",
        "\n      ",
        "&a ",
        "*a",
        "!",
        "? ",
    ),
    *("yes", "null", "~", ".", "\\", "%", "@", "=", "<<", "-", "(", "/", "\t", "é", "\x85", "\r\n"),
]


LINES = [
    *(
        "",
        "   ",
        "# c",
        "    # c",
        "  a: x",
        "  b:",
        "  b: 'x'",
        '  b: "x',
        "    y",
        '    y"',
        "  - x",
    ),
    *(
        "    - x",
        "    c: |",
        "  d: |",
        "      z",
        "     w",
        "  e: {}",
        "  f: [x]",
        "    g: x # c",
        "x",
    ),
    *("    'y'", "  h: True", "   - 'x", "    y'"),
]
