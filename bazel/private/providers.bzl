"""The provider of derivload_codegen_inputs."""

DerivloadInfo = provider(
    doc = "The documents that derivload wrote.",
    fields = {
        "functions": "File: functions.json",
        "manifest": "File: manifest.json, which lists the other files with sha256 and count",
        "places": "File: places.json, or None where it was not asked for",
        "shards": "list of Files: differentiability_0.json and so on, in the order of their " +
                  "numbers, or differentiability.json alone where there are no shards",
        "torch_version": "string: the release asked for, such as `2.15`; empty for the newest " +
                         "that derivload knows. The documents say which one was followed.",
    },
)
