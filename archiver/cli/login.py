"""``account login`` and ``account logout``: allow the archiver to read a mailbox, and take it back.

They are commands of the group in ``account.py``.
"""

import os
import sys
import time
from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, is_terminal, pass_global
from archiver.cli.language import users_environment
from archiver.cli.output import printable

if TYPE_CHECKING:
    from archiver.accounts import Account
    from archiver.mailbox.oauth.grants import DeviceCode
    from archiver.mailbox.oauth.login import InBrowser


@click.command(
    "login",
    help=_(
        "Log in by OAuth2: your browser opens, you allow it there, and a token that lasts is kept "
        "outside of the archive. Archive only mailboxes that you are entitled to.\n\n"
        "With --device a code is shown that you type in any browser; Google does not allow that "
        "for mail.\n\n"
        "\b\nExamples:\n  archiver account login work\n  archiver account login work --device"
    ),
)
@click.argument("name")
@click.option("--device", is_flag=True, help=_("Show a code to type in any browser."))
@click.option("--no-browser", is_flag=True, help=_("Show the address; open no browser."))
@pass_global
def login(globals_: Global, name: str, device: bool, no_browser: bool) -> None:
    from archiver.cli.account import choose_accounts
    from archiver.mailbox.oauth.login import log_in_by_browser, log_in_by_device

    with globals_.open() as archive:
        (found,) = choose_accounts(archive, name)
        client = archive.oauth_client(found, environ=users_environment())
        tell_client(globals_, found)
        if device:
            log_in_by_device(
                client,
                archive.tokens,
                show=lambda code: _show_code(globals_, code),
                sleep=time.sleep,
            )
        else:
            log_in_by_browser(
                client,
                archive.tokens,
                show=lambda where: _show_address(globals_, where, opens=not no_browser),
                entropy=archive.entropy,
            )
        place = archive.tokens.place(name)
    if place.where == "keyring":
        globals_.chat(_("Logged in. The token is kept in the keyring, outside of the archive."))
    else:
        globals_.chat(
            _("Logged in. The token is kept in {path}, outside of the archive.").format(
                path=place.path
            )
        )
    globals_.chat(_("Next: archiver account test {name}.").format(name=name))


@click.command(
    "logout",
    help=_(
        "Forget the token of an account, and take it back at the provider where that can be asked "
        "to. The account stays; nothing is fetched before another login.\n\n"
        "\b\nExample:\n  archiver account logout work"
    ),
)
@click.argument("name")
@pass_global
def logout(globals_: Global, name: str) -> None:
    from archiver.cli.account import choose_accounts
    from archiver.mailbox.oauth.login import log_out

    with globals_.open() as archive:
        (found,) = choose_accounts(archive, name)
        client = archive.oauth_client(found, environ=users_environment())
        none = archive.tokens.place(name).where == "nowhere"
        revoked = log_out(client, archive.tokens)
    if none:
        globals_.chat(_("There was no token of {name} on this machine.").format(name=name))
        return
    globals_.chat(_("The token of {name} is forgotten on this machine.").format(name=name))
    if not revoked:
        globals_.chat(
            _(
                "It was not taken back at the provider: do that on the page of your account there "
                "that lists the applications which have access."
            )
        )


def tell_client(globals_: Global, account: "Account") -> None:
    """Say whose application asks, before it does."""
    if account.oauth is None:
        return
    globals_.chat(
        _(
            "The provider ({provider}) is asked as the application with the client id {id}, from "
            "archive.toml: your own registration, or your organisation's."
        ).format(provider=account.oauth.provider, id=printable(account.oauth.client_id))
    )


def _show_address(globals_: Global, where: "InBrowser", *, opens: bool) -> None:
    if opens and _opened(where.url):
        globals_.tell(_("Allow it in the browser that opens now. If none does, open this address:"))
    else:
        globals_.tell(_("Open this address in a browser on this machine, and allow it there:"))
    globals_.tell(f"\n{where.url}\n")
    if not opens and is_terminal(sys.stderr):
        globals_.tell(
            _(
                "With the browser of another machine, run this there first, then open the address: "
                "ssh -L {port}:127.0.0.1:{port} USER@THIS-MACHINE"
            ).format(port=where.port)
        )


def _opened(url: str) -> bool:
    import webbrowser  # only here

    # Without a screen lynx and its like would be found, and take over the terminal.
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, screens)):
        return False
    try:
        return webbrowser.get().open(url)
    except (webbrowser.Error, OSError):
        return False


def _show_code(globals_: Global, code: "DeviceCode") -> None:
    globals_.tell(
        _("Open {address} in any browser, type the code {code}, and allow it there.").format(
            address=printable(code.address), code=printable(code.user_code)
        )
    )
