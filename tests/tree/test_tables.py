"""How the tables of a torchgen become the fields of a dialect, and what they must not hold."""

from __future__ import annotations

from typing import Final

import pytest

from derivload.tree import tables
from derivload.tree.constants import CppName, EnumMember, UnreadableError
from derivload.tree.tables import ENUMS, TABLES, read_tables
