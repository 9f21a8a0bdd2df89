"""``completion``: print the script that completes the command in a shell."""

from gettext import gettext as _

import click
from click.shell_completion import get_completion_class

from archiver.cli.output import echo
from archiver.errors import OperationError

SHELLS = tuple(
    shell for shell in ("bash", "zsh", "fish", "powershell") if get_completion_class(shell)
)
"""Those that click offers: PowerShell from 8.5 on."""


@click.command(
    help=_(
        "Print the completion script for a shell.\n\n"
        "\b\nExamples:\n"
        "  archiver completion bash > ~/.local/share/bash-completion/completions/archiver\n"
        "  archiver completion fish > ~/.config/fish/completions/archiver.fish\n"
        "  archiver completion powershell >> $PROFILE"
    )
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    kind = get_completion_class(shell)
    if kind is None:
        raise OperationError(
            _("click knows no completion for {shell}.").format(shell=shell),
            advice=_("Use one of: {shells}").format(shells=", ".join(SHELLS)),
        )
    echo(kind(ctx.find_root().command, {}, "archiver", "_ARCHIVER_COMPLETE").source())


COMMANDS = {"completion": completion}
