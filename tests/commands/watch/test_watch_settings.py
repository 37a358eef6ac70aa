"""derivwatch follows the settings that name its inputs, and says so of others that change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.derivwatch import Inputs, Watch
from support.settings_runs import THREE, Place, place

__all__ = ["place"]  # a fixture


@pytest.fixture
def watch(place: Place, tmp_path: Path) -> Iterator[Watch]:
    """A derivwatch in a folder below the one with the settings."""
    place.write(THREE)
    (place.folder / "sub").mkdir()
    cache = {"DERIVLOAD_CACHE_DIR": str(tmp_path / "cache")}
    watch = Watch([], tmp_path / "out", cache, folder=place.folder / "sub")
    try:
        yield watch
    finally:
        watch.process.kill()
        watch.process.communicate()


def test_it_says_what_it_looks_at(watch: Watch) -> None:
    assert watch.expect("started")["note"].endswith("as ../derivload.toml says")


def test_other_inputs_are_followed(watch: Watch, place: Place) -> None:
    watch.expect("started")
    other = Inputs(place.folder / "other")
    other.save("luster * grad")
    place.write(THREE.replace("in/derivatives", "other/derivatives"))
    assert watch.expect("reloaded")["written"]
    assert watch.formula() == "luster * grad"
    other.save("grad * luster * luster")
    watch.expect("reloaded")
    assert watch.formula() == "grad * luster * luster"


def test_settings_that_appear_nearer_are_followed(watch: Watch, place: Place) -> None:
    watch.expect("started")
    shutil.copytree(place.folder / "in", place.folder / "sub" / "in")
    Inputs(place.folder / "edited").save("luster * grad")
    shutil.copy(place.folder / "edited" / "derivatives.yaml", place.folder / "sub" / "in")
    place.write(THREE, "sub/derivload.toml")
    watch.expect("reloaded")
    assert watch.formula() == "luster * grad"


def test_a_mistake_in_the_settings_is_told_and_got_over(watch: Watch, place: Place) -> None:
    watch.expect("started")
    place.write(f"{THREE}shard = 2\n")
    message = watch.expect("error")["message"]
    assert "derivload.toml:4: error: there is no setting `shard`" in message
    place.write(THREE)
    watch.expect("reloaded")


@pytest.mark.parametrize("setting", ["shards = 2", "poll = true", 'cache-dir = "c"'])
def test_of_other_settings_it_says_to_start_again(watch: Watch, place: Place, setting: str) -> None:
    watch.expect("started")
    place.write(f"{THREE}{setting}\n")
    message = watch.expect("error")["message"]
    name = setting.partition(" ")[0]
    assert f"the settings changed {name}: start derivwatch again to follow" in message
    place.write(THREE)
    watch.expect("reloaded")
