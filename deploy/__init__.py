"""How the parts are run: the embedded platform, without containers."""
