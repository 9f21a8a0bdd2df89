"""The command: each file a family of commands that read arguments, call, print, and exit."""
