"""What follows from an edit to a template: only the files that are made of it are rendered again.

The pieces of text that generators make do not depend on the templates, for a generator passes the
name of a template and the pieces to the file manager, which reads the template. There are two
exceptions. A generator may read a template itself: `running.py` notices, and the template then
counts like source. And from generators that pass the same values for several files, each file gets
those that its template has placeholders for (`capture.py`): if these change, everything is
generated again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from derivload.loading.trace import with_root
from derivload.pytorch.codegen.kept import Kept, KeptOutput

if TYPE_CHECKING:
    from derivload.pytorch.codegen.capture import Output
    from derivload.pytorch.codegen.job import Job


class Templates:
    """The templates of a job, as they were when its sources were read."""

    def __init__(self, job: Job) -> None:
        self._root = job.upstream.root
        self._digests = job.sources.by_template

    def path_for(self, output: Output) -> str:
        """The path of the template of an output, if that is no output itself."""
        return with_root(output.template, self._root)

    def digest_for(self, output: Output) -> str:
        """The sha256 of an output's template, as `KeptOutput` has it."""
        return "" if output.is_made else self._digests.get(self.path_for(output), "")

    def follow(self, kept: Kept) -> Kept | None:
        """The state with these templates. Files for which others were used must be rendered.

        None if the kept pieces are not all that these templates have placeholders for.
        """
        edited = [o for o in kept.outputs if o.template != self.digest_for(o.output)]
        if not edited:
            return kept
        if not all(self._has_its_pieces(o.output) for o in edited):
            return None
        names = {o.output.name for o in edited}
        outputs = [
            self._to_be_rendered(o)
            if o.output.name in names or (o.output.is_made and o.output.template in names)
            else o
            for o in kept.outputs
        ]
        return msgspec.structs.replace(kept, outputs=outputs)

    def _has_its_pieces(self, output: Output) -> bool:
        try:
            with open(self.path_for(output), encoding="utf-8") as file:
                return output.has_keys_of(file.read())
        except (OSError, ValueError):  # a full run says what is wrong with it
            return False

    def _to_be_rendered(self, kept: KeptOutput) -> KeptOutput:
        files = dict.fromkeys(kept.files, "")
        template = self.digest_for(kept.output)
        return msgspec.structs.replace(kept, files=files, template=template)
