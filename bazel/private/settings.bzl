"""Settings: a file that says what the attributes of a rule do not, and the files that it names.

An action sees only what it lists, so no settings are looked for: one file is read, or none.
"""

SETTINGS_ATTRS = {
    "data": attr.label_list(
        doc = "all files that the settings name",
        allow_files = True,
    ),
    "settings": attr.label(
        doc = "a derivload.toml, or a pyproject.toml with its table",
        allow_single_file = [".toml"],
    ),
}

def add_settings(options, ctx):
    """Adds the option that says which settings derivload reads.

    Args:
      options: the arguments of an action.
      ctx: the context of a rule with SETTINGS_ATTRS.
    """
    if ctx.file.settings:
        options.add(ctx.file.settings, format = "--settings=%s")
    else:
        options.add("--no-settings")

def settings_files(ctx):
    """Returns the file of settings, and the files that it names, in a list.

    Args:
      ctx: the context of a rule with SETTINGS_ATTRS.
    """
    return ctx.files.settings + ctx.files.data

def check_data(settings, data):
    """Fails for files that nothing names.

    Args:
      settings: the attribute of a macro.
      data: the attribute of a macro.
    """
    if data and not settings:
        fail("data is for the files that settings name: write settings too, or leave it out")
