"""The torchgens whose main is known to call functions that do not need each other."""

from __future__ import annotations

from typing import Final

# What only the declarations of kernels (aot.py) that a tree has import. It makes no text.
OF_MANIFESTS: Final = frozenset({"torchgen.native_aot_spec_grid"})
# The release of each, by the digest of the modules that torchgen.gen imports
# (`dividing.digest_of_modules`).
KNOWN: Final = {
    "de453e23e425a5433c3e4d6d344b33496549c3b1d0a806f13d989d2587bd0395": "2.1",
    "0467f1c77556c008049b1096902b19001453e1723be1e1437fcf367a31082966": "2.2",
    "5daf77ce4fc66f8beb9c03ce5b81dc62daca046e6ad9dd45f648e0de2a455693": "2.3",
    "9893228363e95e434439df4c0640df3a77aeb65a7e43aa23e83652ee6d10b121": "2.4",
    "057e04d2b837b1d13edc37cbe29c1fec9b2f41747c6b48e2d0be65d6b418d4d5": "2.5",
    "fdd97b3e07f2a2a41a790f88c95ad7b6aa01f6ab0380c5f4fd398c8abee02e8a": "2.6",
    "692a9000aeab520888f97d1d83b5a60778a1141b29834976b9226a95b52c9671": "2.7",
    "7a875c87557087d410862904fd8dcfe647b065c4e863c4285e56c2f75d33a5db": "2.8",
    "bc3346f9ee1773857559bdff94a33b77003b24094233afb1f8597bd64e873f80": "2.9",
    "f0d1c7e9deaca7229282b79cc881c6319217e6e6bc16a0bac1a4c8da84cfb6ab": "2.10",
    "3ad2ae8e1ce24c81045809c53e700bb9cc016d11a4502b31ff1e0277f88071b4": "2.11",
    "16c32af20bb48390a152f75da6474609f2f4157864b7631dadba2dd0efd7e9be": "2.12",
    "4db2e2638fc0fd00b1e6986e48e35b494254fbf2243570243d3c3e795c2de5ad": "2.13",
    "47492bbc1c2913027c1c7ac1bcde6008dab1d74db2a2c071a62b3460a7f1db77": "2.14",
    "1161af203093648110a659a619e1992d4a22af7502a1ea2b2144f350f31857d8": "2.15",
}
