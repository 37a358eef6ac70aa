"""The torchgens of the releases, by their whole source: their rules need not be read from it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# The release of each, by the digest of its source (`TreeSource.digest`). `tests/tree/test_tree.py`
# computes these digests again from the releases.
SOURCES: Final = {
    bytes.fromhex("4af25585831222a04a1388f1e77678a3dce15920d6fdd9c76490906d8313902e"): "2.1",
    bytes.fromhex("ce5f11403d5c2343f458c956a6c8fa1b47b3d04b9a8cc9e33a917f852679289b"): "2.2",
    bytes.fromhex("ab4b55fc8a3b494b2970bb0f19d859d279fc99fd7df7ef072f851f33bddeae69"): "2.3",
    bytes.fromhex("d3aa307c6ad164aa8b9f81cd783ab4b717f6aa87c0b7c1815daeba388f6c5274"): "2.4",
    bytes.fromhex("1d71c27893458d11aaadae3d047ee57685074fd8e15e3ddc74e4e7b529f17a28"): "2.5",
    bytes.fromhex("5a63bcc0dbbf32e884b3832a39042bd9a29b3d3bb1604e6a721405a0b330e50b"): "2.6",
    bytes.fromhex("4bc484d538cd3ab5f5eda5f36090cba6305c545c532478a87f53461cccc73c4a"): "2.7",
    bytes.fromhex("047f89062cb0d4f29c178d15b12e07ef746a514d0ff08cc6bd0daa3ea6214797"): "2.8",
    bytes.fromhex("58268b1a596a76ce07e3b42aabc8962e780fa99df79281119981da204f7af793"): "2.9",
    bytes.fromhex("cc350101e0e9e7324fc034c487b3234f781352f39cb3235f828dd3437c6a4ac7"): "2.10",
    bytes.fromhex("f368da755a4ad277fb3557662a98e749910d46d0c54fb193fc829a871e3d98c9"): "2.11",
    bytes.fromhex("1860de840be55f980b4c48990cb5f31aa64b322d2a23ea9c53d02914279be33b"): "2.12",
    bytes.fromhex("cfde6b67889e31b39b67e5a8411c70fe709dff0eca2d3e7c180d1aabefb7172b"): "2.13",
    bytes.fromhex("8cef83d6e4210b4c3d7c1a0c44c5b68e37035e0a3504ef1bd0f7b12f720cd08f"): "2.14",
    bytes.fromhex("ed7d2670531a1a66bbc42d87b99e17aff053f779600b7ff32f74ffa05b2f0689"): "2.15",
}
