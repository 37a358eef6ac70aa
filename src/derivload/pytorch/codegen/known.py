"""The torchgens for which the short cut is known to give the right files."""

from __future__ import annotations

from typing import Final

# The release of each, by the digest of its source (`upstream.Sources.of_packages`).
# `tests/pytorch/codegen/test_codegen.py` computes these digests again from the releases whose files
# it compares.
KNOWN: Final = {
    bytes.fromhex("d6815945be965eded2f2ea21cc78421d2add27392c8d5e0c1d5a74eac7a3994a"): "2.1",
    bytes.fromhex("11dbbbfa862cf096ef87566eb557bad41f1c701192eaa62a8757f8777e172cf9"): "2.2",
    bytes.fromhex("7a321756df9b70c3f05b2054d0df973222da78cc5cc020f0166e4c89be398c7c"): "2.3",
    bytes.fromhex("c9bacb84eb5379a95af071c7d26e8d6f775460dea99afca8fcc882b952c93638"): "2.4",
    bytes.fromhex("2cad6a019fc3ee7a22cf6f9ec7cd92c49f90e3c5a9ad58b30629855b3ef0290a"): "2.5",
    bytes.fromhex("ad66411b7f8b6b171fee9bda924e0d638b5670c19b7948f8f1c9ad097a58e562"): "2.6",
    bytes.fromhex("2bfa6e57b2de12e6687fec1868926b3ee9f6b9d0849bd8a0e1de2f0795d292e3"): "2.7",
    bytes.fromhex("65875acd813ebaf78a2dcf3f21e1ed12422ace2af75f42f649216ddc8736b119"): "2.8",
    bytes.fromhex("6143c4dcdeec0a8f8a7b42920dd3f135135f530f15d82bdcf97b2de95716b787"): "2.9",
    bytes.fromhex("0faa7e8d8a514b3b17c8c40d52b99a3f3abe9fd6f1f0cfbd07bc14f9fe3f3c88"): "2.10",
    bytes.fromhex("90e0e97d49567fc232d099d3dffcb867718cdc6afc46bc50c9e6f34e8153f286"): "2.11",
    bytes.fromhex("00f60e76433b46d42eeda2a462d62940f9304408482cdb9da0495d6dd3eab74f"): "2.12",
    bytes.fromhex("668eb061cb2ac1c6d9eebd1c3074bd2ac2909c3f64af8e758f9fda0e0c12f462"): "2.13",
    bytes.fromhex("b2e2df71f150eeddf76cc066b445f2a72658a7fa0848c517c2ccc652f7f8da13"): "2.14",
    bytes.fromhex("df9df94698c0bc240f5dedc58a4afc73188592f792bf62c270ad7705d56d0f89"): "2.15",
}
