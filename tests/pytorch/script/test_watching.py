"""What a watched script is seen to do: each way to read, ask, write and print, and what is noted.

What comes of it is tested in tests/commands/run/. Here one process does all of it, for each of
these ways is a way to keep a run that should not be kept.
"""

from __future__ import annotations

import importlib.util
import os
import py_compile
import shutil
from pathlib import Path
from typing import Final

import pytest
import yaml

from support.seen_scripts import Seen, seen_of

READ: Final = {
    "open('file').read()": ["file file"],
    "open('file', 'rb').read()": ["file file"],
    "open(b'file').read()": ["file file"],
    "import pathlib; pathlib.Path('file').read_text()": ["file file"],
    "open('link').read()": ["file link"],
    "import os; os.close(os.open('file', os.O_RDONLY))": ["file file"],
    "import os; f = os.open('file', os.O_RDONLY); open(f).read()": ["file file"],
    "import os; f = os.open('folder', os.O_RDONLY); os.close(f)": ["kinds folder folder"],
    "open('none')": ["kinds none absent"],
    "open('nowhere')": ["kinds nowhere absent"],
    "open('folder')": ["kinds folder folder"],
    "open('/dev/null').read()": ["kinds /dev/null other"],
    "open('/dev/zero', 'rb').read(1)": ["reasons it read from /dev/zero, which is no file"],
    "import os; a, b = os.pipe(); os.write(b, b'x'); os.close(b); open(a).read()": [],
}
WRITTEN: Final = {
    "open('new', 'w').write('x')": ["written new"],
    "open('new', 'x').write('x')": ["written new"],
    "open('file', 'w').write('x')": ["written file"],
    "open('file', 'a').write('x')": ["file file", "written file"],
    "open('file', 'r+').write('x')": ["file file", "written file"],
    "open('file', 'w+').write('x')": ["file file", "written file"],
    "open('new', 'a').write('x')": ["kinds new absent", "written new"],
    "import os; os.close(os.open('new', os.O_WRONLY | os.O_CREAT | os.O_TRUNC))": ["written new"],
    "import os; os.close(os.open('file', os.O_RDWR | os.O_TRUNC))": ["written file"],
    "import os; os.close(os.open('file', os.O_WRONLY))": ["file file", "written file"],
    "open('/dev/null', 'w').write('x')": [],
    "open('/dev/full', 'w')": ["reasons it wrote to /dev/full, which is no file"],
    "open('folder', 'w')": [],
    "open('new', 'w').write('x'); open('new').read()": ["written new"],
    "import os; open('new', 'w').close(); os.path.exists('new'); os.stat('new')": ["written new"],
}
ASKED: Final = {
    "import os; assert os.path.exists('file') is True": ["kinds file file"],
    "import os; assert os.path.isfile('none') is False": ["kinds none absent"],
    "import os; assert os.path.isdir('folder') is True": ["kinds folder folder"],
    "import os; assert os.path.ismount('folder') is False": [
        *("kinds . folder", "kinds folder folder", "links .", "links folder"),
    ],
    "import os; assert os.path.samefile('file', 'link')": ["kinds file file", "kinds link file"],
    "import os; os.path.isfile('/dev/null')": ["kinds /dev/null other"],
    "import pathlib; pathlib.Path('file').is_dir()": ["kinds file file"],
    "import os; os.path.islink('link')": ["kinds link file", "links link"],
    "import os; os.path.lexists('nowhere')": ["kinds nowhere absent", "links nowhere"],
    "import os; os.path.realpath('link')": ["links file", "links link"],
    "import os; os.path.realpath('none')": ["links none"],
    "import os; os.path.realpath('link', strict=True)": [
        *("kinds file file", "kinds link file", "links file", "links link"),
    ],
    "import pathlib; pathlib.Path('link').resolve()": ["links file", "links link"],
    "import os; assert os.readlink('link') == 'file'": ["links link", "statuses link"],
    "import os; os.stat('file')": ["statuses file"],
    "import os; os.stat(b'file')": ["statuses file"],
    "import os; os.stat('none')": ["statuses none"],
    "import os; os.lstat('link')": ["links link", "statuses link"],
    "import os; os.path.getmtime('file')": ["statuses file"],
    "import os; f = os.open('folder', 0); os.stat('inside', dir_fd=f)": [
        *("kinds folder folder", "statuses folder/inside"),
    ],
    "import os; os.stat(1)": [],
    "import os; os.path.exists('a' + chr(0))": ["kinds a\0 absent"],
    "import os; assert os.access('file', os.F_OK) is True": ["kinds file file"],
    "import os; f = os.open('folder', 0); os.access('inside', os.F_OK, dir_fd=f)": [
        *("kinds folder folder", "kinds folder/inside file"),
    ],
    "import os; os.access('file', os.R_OK)": [
        *("kinds file file", "reasons it asked what it may do with a file"),
    ],
    "import os; os.listdir('folder')": ["listed folder"],
    "import os; os.listdir()": ["listed ."],
    "import os; list(os.scandir(b'folder'))": ["listed folder"],
    "import os; os.listdir(os.open('folder', 0))": ["kinds folder folder", "listed folder"],
    "import os; list(os.walk('folder'))": ["listed folder"],
    "import glob; glob.glob('folder/*')": ["listed folder"],
    "import os; os.listdir('none')": ["listed none"],
}
CHANGED: Final = {
    "import os; os.mkdir('new')": ["made new"],
    "import os; os.mkdir('folder')": ["made folder"],
    "import os; os.makedirs('new/er')": ["made new", "made new/er"],
    "import os; os.makedirs('folder', exist_ok=True)": ["made folder"],
    "import pathlib; pathlib.Path('folder').mkdir(exist_ok=True)": ["made folder"],
    "import os; f = os.open('folder', 0); os.mkdir('new', dir_fd=f)": [
        *("kinds folder folder", "made folder/new"),
    ],
    "import os; os.remove('file')": ["written file"],
    "import os; os.unlink('link')": ["written link"],
    "import os; f = os.open('folder', 0); os.remove('inside', dir_fd=f)": [
        *("kinds folder folder", "written folder/inside"),
    ],
    "import os; os.rename('file', 'new')": [
        *("reasons it renamed file, which it had not made", "written new"),
    ],
    "import os; os.replace('folder', 'new')": [
        *("reasons it renamed folder, which it had not made", "written new"),
    ],
    "import os; open('new', 'w').close(); os.replace('new', 'file')": [
        *("written file", "written new"),
    ],
    "import os; f = os.open('.', 0); os.rename('file', 'new', src_dir_fd=f)": [
        *("kinds . folder", "reasons it renamed a file in a folder that it had opened"),
    ],
    "import os; f = os.open('.', 0); os.rename('file', 'new', dst_dir_fd=f)": [
        *("kinds . folder", "reasons it renamed a file in a folder that it had opened"),
    ],
    "import os; os.chmod('file', 0o600)": ["reasons it changed the mode or the times of file"],
    "import os; os.utime('file')": ["reasons it changed the mode or the times of file"],
    "import os; open('new', 'w').close(); os.chmod('new', 0o600); os.utime('new')": ["written new"],
    "import os; os.symlink('file', 'new')": ["reasons it made a link"],
    "import os; os.link('file', 'new')": ["reasons it made a link"],
    "import os; os.truncate('file', 0)": ["reasons it cut a file off"],
    "import os; os.chown('file', -1, -1)": ["reasons it changed the owner of a file"],
    "import os; os.setxattr('file', 'user.x', b'1')": [
        "reasons it changed the attributes of a file"
    ],
}
# The streams are as Python has made them.
_KIND: Final = (
    "[sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors, str(sys.stderr.line_buffering),"
    " str(sys.stdout.line_buffering), sys.stdout.mode]"
)
SURROUNDINGS: Final = {
    "import os; os.environ.get('X1')": ["variables X1"],
    "import os; os.environ['NONE'] if 'NONE' in os.environ else 0": ["variables NONE"],
    "import os; os.environb.get(b'X1')": ["variables X1"],
    "import os; list(os.environ)": ["variables all"],
    "import os; list(os.environb)": ["variables all"],
    "import os; len(os.environ)": ["variables all"],
    "import os; os.environ.copy()": ["variables all"],
    "import os; repr(os.environ)": ["variables all"],
    "import os; os.environ['MINE'] = '1'; os.environ['MINE']": [],
    "import os; os.environ.pop('X2', None); os.environ.get('X2')": ["variables X2"],
    "import os; os.unsetenv('X3'); os.environ.get('X3')": [],
    "import shutil; shutil.get_terminal_size()": [
        *("reasons it asked for the size of the terminal", "variables COLUMNS", "variables LINES"),
    ],
    "import argparse; argparse.ArgumentParser(prog='x').add_argument('--x')": [
        "variables LANGUAGE"
    ],
    "import os; os.isatty(0), os.isatty(2)": ["terminals 0", "terminals 2"],
    "import os; assert os.isatty(3) is False": [],
    f"import sys; assert {_KIND} == 'iso8859-1 ignore backslashreplace True False w'.split()": [],
    "import sys; assert sys.stdout.isatty() is False": ["terminals 1"],
    "import sys; assert sys.stderr.isatty() is False": ["terminals 2"],
    "import sys; assert sys.stdin.isatty() is False": ["terminals 0"],
    "import sys; assert sys.stdin.buffer.raw.read(4) == b'one\\n'": ["reasons it read from stdin"],
    "import sys; assert sys.stdin.readline() == 'two\\n'": ["reasons it read from stdin"],
    "assert input() == 'three'": ["reasons it read from stdin"],
    "import sys; assert sys.stdin.buffer.raw.readall() == b''": ["reasons it read from stdin"],
    "open(0, closefd=False)": ["reasons it read from stdin"],
}
_WRONG: Final = TypeError("expected str, bytes or os.PathLike object, not int")
OPAQUE: Final = {
    "import subprocess; subprocess.run(['true'])": [
        *("reasons it started a process", "variables PATH"),
    ],
    "import os; os.system('true')": ["reasons it started a process"],
    "import os; os.waitpid(os.fork() or os._exit(0), 0)": ["reasons it started a process"],
    "import os; os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)": [
        "reasons it started a process"
    ],
    "import os; os.execv('none', ['none'])": ["reasons it started a process"],
    "import multiprocessing.util as u; u.spawnv_passfds(b'/bin/true', [b'true'], [])": [
        "reasons it started a process"
    ],
    "import socket; socket.socket().close()": ["reasons it opened a socket"],
    "import ctypes; ctypes.CDLL(None)": ["reasons it called a library directly"],
    "import sqlite3; sqlite3.connect(':memory:')": ["reasons it opened a database"],
    **{
        f"import sys; sys.audit({event!r}, 'x')": [f"reasons it {what}"]
        for event, what in (
            ("os.spawn", "started a process"),
            ("os.startfile/2", "started a process"),
            ("_winapi.CreateProcess", "started a process"),
            ("pty.spawn", "started a process"),
            ("winreg.OpenKey", "read the registry"),
        )
    },
    "import sys; sys.audit('os.putenv', 3)": [
        f"reasons os.putenv cannot be understood: {_WRONG!r}"
    ],
    "import sys; sys.audit('subprocess'), sys.audit('mine')": [],
    "import mmap; mmap.mmap(-1, 10)": ["reasons it mapped a file into memory"],
}
# In the folder of the script.
MODULES: Final = {
    "helper.py": "",
    "pack/__init__.py": "",
    "pack/part.py": "",
    "behind/helper.py": "",
    "by_path.py": "",
    "code.py": "",
    "torchgen/__init__.py": "",
    "tools/__init__.py": "",
    "tools/autograd/__init__.py": "",
    # As torchgen's own does: it compares with what is there.
    "torchgen/utils.py": """
import os
class FileManager:
    def _write_if_changed(self, name, contents):
        if not os.path.isdir(os.path.dirname(os.path.abspath(name))):
            raise NotADirectoryError(name)
        if not os.path.isfile(name) or open(name).read() != contents:
            open(name, "w").write(contents)
""",
}
# A module of Python's own that is a library.
_NATIVE: Final = "_lsprof"
_EXTENSION: Final = Path(getattr(importlib.util.find_spec(_NATIVE), "origin", None) or "")
_LATE: Final = "import sys; sys.modules.pop('late', 0); sys.path.insert(0, 'folder'); import late;"
IMPORTED: Final = {
    "import sys, os; sys.path.append(os.path.abspath('../behind')); import helper": [
        "module ../helper.py"
    ],
    "import pack.part": ["module ../pack/__init__.py", "module ../pack/part.py"],
    "import absent": [],
    "import stale; assert stale.x == 2": ["module ../stale.py"],
    f"{_LATE} sys.path.remove('folder')": ["file folder/late.py", "module folder/late.py"],
    "import sys; sys.path.insert(0, 'none'); sys.path.insert(0, 'file'); import statistics": [
        "module file"
    ],
    (
        "from importlib.util import module_from_spec, spec_from_file_location\n"
        "spec = spec_from_file_location('h', '../by_path.py')\n"
        "spec.loader.exec_module(module_from_spec(spec))\n"
    ): ["module ../by_path.py"],
    "import runpy; runpy.run_path('../code.py')": [],
    f"import sys, {_NATIVE}; del sys.modules[{_NATIVE!r}]": [f"module ../{_EXTENSION.name}"],
    "import yaml; assert not 'Changing' in repr([yaml.__loader__, yaml.__spec__.loader])": [],
    "import sys, types; from importlib.util import spec_from_loader;"
    " made = types.ModuleType('made'); made.gen_autograd = len;"
    " L = type('L', (), {'create_module': lambda *a: made, 'exec_module': lambda *a: None,"
    " 'name': 'mine'});"
    " F = type('F', (), {'find_spec': lambda s, n, *a: spec_from_loader(n, L())"
    " if n == 'tools.autograd.gen_autograd' else None});"
    " sys.meta_path.append(F()); import tools.autograd.gen_autograd as g;"
    " assert g is made and g.__loader__.name == 'mine' and g.gen_autograd is not len": [
        *("module ../tools/__init__.py", "module ../tools/autograd/__init__.py"),
    ],
    "import torchgen.utils as u; u.FileManager()._write_if_changed('file', 'one\\n')": [
        *("module ../torchgen/__init__.py", "module ../torchgen/utils.py", "written file"),
    ],
}
PRINTED: Final = {
    "print('said')": ["printed 1 said\n"],
    "import sys; print('told', file=sys.stderr)": ["printed 2 told\n"],
    "import sys; sys.stdout.buffer.write(b'raw')": ["printed 1 raw"],
    "import sys; sys.__stdout__.write('own')": ["printed 1 own"],
    "import sys; sys.stderr.write('x' * (1 << 20)); sys.stderr.write('y')": [
        *(f"printed 2 {'x' * 20}", "reasons it printed too much"),
    ],
}
# Files that a YAML parser alone has read count by value, unless the lines of entries are used.
_LINED: Final = """import yaml
class LineLoader(yaml.SafeLoader):
    __module__ = "__main__"
    def construct_mapping(self, node, deep=False):
        return {**super().construct_mapping(node, deep), "__line__": node.start_mark.line}
line = yaml.load(open("in.yaml"), LineLoader)[1]["__line__"]
"""
PARSED: Final = {
    "import yaml; yaml.safe_load(open('in.yaml'))": ["value in.yaml"],
    **{
        f"import yaml; yaml.load(open('in.yaml'), Loader=yaml.{name})": ["value in.yaml"]
        for kind in ("Safe", "Full", "Base", "")
        for name in (f"{kind}Loader", f"C{kind}Loader")
        if hasattr(yaml, name)
    },
    "import yaml; yaml.safe_load(open('in.yaml', 'rb'))": ["value in.yaml"],
    "import yaml; f = open('in.yaml'); f.close(); yaml.safe_load(open('in.yaml'))": [
        "file in.yaml"
    ],
    "import yaml; yaml.safe_load(open('in.yaml').read())": ["file in.yaml"],
    "import yaml; f = open('in.yaml'); f.readline(); yaml.safe_load(f)": ["file in.yaml"],
    "import yaml; f = open('in.yaml'); yaml.safe_load(f); f.seek(0); yaml.safe_load(f)": [
        "value in.yaml"
    ],
    "import yaml; a, b = open('in.yaml'), open('in.yaml');"
    " yaml.safe_load(a); a.seek(0); yaml.safe_load(a)": ["file in.yaml"],
    "import yaml; assert yaml.safe_load('a: 1') == {'a': 1}": [],
    "import yaml; L = type('L', (yaml.SafeLoader,), {}); yaml.load(open('in.yaml'), L)": [
        "file in.yaml"
    ],
    f"{_LINED}assert isinstance(line, int) and {{line: 1}}": ["value in.yaml"],
    **{
        f"{_LINED}{use}": ["file in.yaml"]
        for use in (
            *("str(line)", "repr(line)", "f'{line}'", "line + 1", "1 + line", "line - 1"),
            *("1 - line", "line * 2", "2 * line", "line // 2", "line % 2", "divmod(line, 2)"),
            *("line / 2", "float(line)", "line < 2", "line <= 2", "line > 2"),
            "line >= 2",
        )
    },
}
GROUPS: Final = {
    "reading": READ,
    "writing": WRITTEN,
    "asking": ASKED,
    "changing": CHANGED,
    "surroundings": SURROUNDINGS,
    "other ways": OPAQUE,
    "YAML": PARSED,
    "imports": IMPORTED,
    "printing": PRINTED,
}
EVERY: Final = [text for group in GROUPS.values() for text in group]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("seen")
    cases = {str(number): text for number, text in enumerate(EVERY)}
    for name, text in MODULES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    make_stale(folder / "stale.py")
    shutil.copy(_EXTENSION, folder)
    return seen_of(folder, cases, "one\ntwo\nthree\n")


def make_stale(path: Path) -> None:
    """Write a module whose compiled form is of another text with the same size and time."""
    path.write_text("x = 1\n", "utf-8")
    os.utime(path, (1e9, 1e9))
    py_compile.compile(str(path))
    path.write_text("x = 2\n", "utf-8")
    os.utime(path, (1e9, 1e9))


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_noted(group: str, seen: Seen) -> None:
    noted = {text: seen.notes[str(EVERY.index(text))] for text in GROUPS[group]}
    assert noted == GROUPS[group]


def test_where_modules_are_looked_for(seen: Seen) -> None:
    number = str(EVERY.index(f"{_LATE} sys.path.remove('folder')"))
    assert {"helper", "pack", "absent", "fractions"} <= {*seen.modules["."]}
    assert "late" not in seen.modules["."]
    assert seen.modules["pack"] == ["part"]
    assert seen.modules[f"{number}/folder"] == ["late"]
    assert {*seen.modules["behind"]}.isdisjoint({"helper", "pack", "fractions"})
    assert "absent" in seen.modules["behind"]


def test_modules_that_were_read(seen: Seen) -> None:
    named = {"helper.py", "pack/__init__.py", "pack/part.py", "code.py", "stale.py"}
    assert named <= seen.files
    assert not [path for path in seen.files if path.startswith("behind")]
