"""A process that has derivload's modules and forks, for each call, one that runs derivload.

It is run as a program: see forks.py. A call has the arguments, the folder and the environment, and
comes with four descriptors: the three streams, and where to tell the process id and the status.
"""

import atexit
import contextlib
import gc
import json
import os
import select
import socket
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import NoReturn

MODULES = """
argparse functools gettext json msgspec tempfile yaml
derivload.cli derivload.commands.cache derivload.commands.check.command derivload.commands.emit
derivload.commands.lsp.server derivload.commands.options.command_line
derivload.commands.settings.apply derivload.commands.show.command
derivload.commands.watch.command derivload.commands.watch.loop
derivload.engine.lint derivload.engine.session derivload.loading.live derivload.loading.memory
derivload.loading.own_code.session derivload.loading.run derivload.outputs.documents
derivload.pytorch.codegen.known derivload.store.results derivload.store.store
""".split()


def serve(calls: socket.socket) -> None:
    """Answer calls until there are none; return, too, in each process that was asked for."""
    running: dict[int, tuple[int, int]] = {}  # by what tells its end: a process, and whom to tell
    while True:
        for ready in select.select([calls.fileno(), *running], [], [])[0]:
            if ready in running:
                process, told = running.pop(ready)
                status = os.waitpid(process, 0)[1]
                os.close(ready)
                with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
                    os.write(told, status.to_bytes(4, "little"))
                os.close(told)
                continue
            size, descriptors, _, _ = socket.recv_fds(calls, 8, 4)
            if not size:
                return
            call = b""
            while missing := int.from_bytes(size, "little") - len(call):
                call += calls.recv(missing)
            *streams, told = descriptors
            process = os.fork()
            if process == 0:
                for descriptor in (
                    calls.fileno(),
                    told,
                    *running,
                    *(t for _, t in running.values()),
                ):
                    os.close(descriptor)
                arguments, folder, environment = json.loads(call)
                become(arguments, folder, environment, streams)
                return
            for descriptor in streams:
                os.close(descriptor)
            os.write(told, process.to_bytes(4, "little"))
            running[os.pidfd_open(process)] = (process, told)


def become(
    arguments: list[str], folder: str, environment: dict[str, str], streams: list[int]
) -> None:
    """Be as a process that was started so."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    for stream, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        old = getattr(sys, stream)
        new = os.fdopen(old.fileno(), mode, -1, old.encoding, old.errors, None, closefd=False)
        setattr(sys, stream, new)
        setattr(sys, f"__{stream}__", new)
    sys.path.insert(0, str(Path.cwd()))
    sys.argv[:] = ["derivload", *arguments]
    sys.orig_argv[:] = [sys.executable, "-m", "derivload", *arguments]


def end(status: int) -> NoReturn:
    """End as Python does, but let the kernel free what the mother has, which Python would touch."""
    if threading.active_count() == 1:
        atexit._run_exitfuncs()
        with contextlib.suppress(OSError):  # Python tells of it
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file
    for name in MODULES:
        import_module(name)
    gc.freeze()  # what is not touched is not copied
    serve(socket.socket(fileno=int(sys.argv[1])))
    if sys.argv[0] == "derivload":  # in the process that was asked for
        from derivload.cli import main

        end(main())
