"""Errors of a load that one process hands to another, as pools of processes do."""

from __future__ import annotations

import copy
import pickle

import pytest

from derivload.diagnostics import Diagnostic
from derivload.loading.errors import InputError, SettingsError, TreeCodeError, UsageError

MISTAKE = Diagnostic("native_functions.yaml", 3, 9, "DL104", "there is no type `Tesnor`")


@pytest.mark.parametrize(
    "error",
    [
        InputError([MISTAKE, MISTAKE]),
        SettingsError(["derivload.toml:1: error: a", "derivload.toml:2: error: b"]),
        UsageError("leave one out"),
        TreeCodeError("it cannot be run"),
    ],
)
def test_an_error_is_the_same_in_another_process(error: Exception) -> None:
    for made in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(made) is type(error)
        assert str(made) == str(error)
        assert vars(made) == vars(error)
