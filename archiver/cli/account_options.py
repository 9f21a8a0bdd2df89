"""The options that describe an account, for ``account add`` and ``account edit``."""

import functools
from collections.abc import Callable
from gettext import gettext as _
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from archiver.care.accounts import Wish

Command = Callable[..., object]
Option = Callable[[Command], Command]

_LOGIN = frozenset({"password_command", "token_command", "provider"})
_OAUTH = frozenset(
    {"client_id", "client_secret_command", "tenant", "scope"}
    | {"authorize_url", "token_url", "device_url"}
)


def account_options(*, new: bool) -> Option:
    """Give a command the options of an account, a NEW one or one there is, as one ``wish``."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_wish(**said: object) -> object:
            return command(name=said.pop("name"), wish=_wish(said))

        result: Command = with_wish
        for option in reversed((*_server(new=new), *_login(new=new), *_what())):
            result = option(result)
        return result

    return decorate


def _wish(said: dict[str, object]) -> "Wish":
    from archiver.care.accounts import Wish
    from archiver.care.login_ways import LoginWish, OAuthWish

    oauth = {key: said.pop(key) for key in _OAUTH}
    login = {key: said.pop(key) for key in _LOGIN}
    return Wish(
        **said,  # type: ignore[arg-type]  # click gives each option the type that Wish has
        login=LoginWish(
            **login,  # type: ignore[arg-type]  # as above
            oauth=OAuthWish(**oauth),  # type: ignore[arg-type]  # as above
        ),
    )


def _server(*, new: bool) -> tuple[Option, ...]:
    return (
        click.option("--host", required=new, help=_("The IMAP server.")),
        click.option("--port", type=int, help=_("Default: 993 with tls, else 143.")),
        click.option("--user", required=new, help=_("The user name, often the address.")),
        click.option(
            "--security",
            type=click.Choice(["tls", "starttls", "plain"]),
            default="tls" if new else None,
            show_default=True,
            help=_("plain is only possible to this machine itself."),
        ),
        click.option(
            "--mailbox", help=_("The mailbox to open where it is not the user's own: a shared one.")
        ),
    )


def _login(*, new: bool) -> tuple[Option, ...]:
    providers = ["google", "microsoft", "custom", *([] if new else ["none"])]
    return (
        click.option("--password-command", help=_("Its first line of output is the password.")),
        click.option(
            "--token-command", help=_("Its first line of output is an OAuth2 access token.")
        ),
        click.option(
            "--oauth",
            "provider",
            type=click.Choice(providers),
            help=_("Log in by OAuth2; archiver account login does it once, in a browser."),
        ),
        click.option(
            "--client-id",
            help=_("OAuth2: the id of your own registration; none is built in."),
        ),
        click.option(
            "--client-secret-command",
            help=_("OAuth2: its first line of output is the client's secret, if there is one."),
        ),
        click.option("--tenant", help=_("Microsoft: the directory. Default: common.")),
        click.option("--authorize-url", help=_("OAuth2: where a person allows it.")),
        click.option("--token-url", help=_("OAuth2: where tokens are given.")),
        click.option("--device-url", help=_("OAuth2: where device codes are given.")),
        click.option("--scope", help=_("OAuth2: what is asked for.")),
    )


def _what() -> tuple[Option, ...]:
    return (
        click.option(
            "--keep",
            type=click.Choice(["everything", "engagements"]),
            help=_(
                "What is kept: every message, or only those of engagements. There is no default."
            ),
        ),
        click.option(
            "--folder", "folders", multiple=True, help=_("Fetch only this folder; repeatable.")
        ),
        click.option(
            "--others/--no-others",
            default=None,
            help=_("Also fetch folders of other users and shared ones. Default: no."),
        ),
        click.option(
            "--address", "addresses", multiple=True, help=_("An address of ours; repeatable.")
        ),
        click.option(
            "--authserv",
            multiple=True,
            help=_("The name under which the provider writes Authentication-Results; repeatable."),
        ),
        click.option(
            "--daily-bytes", metavar="VOLUME", help=_("Fetch at most so much a day, such as 2 GB.")
        ),
        click.option(
            "--recheck-bytes",
            metavar="VOLUME",
            help=_(
                "Fetch so much a day to confirm what was only recognised by its attributes. "
                "Default: 200 MB."
            ),
        ),
        click.option(
            "--full-scan-days",
            type=click.IntRange(1, 365),
            help=_("Enumerate each folder whole after so many days. Default: 7."),
        ),
        click.option(
            "--poll-minutes",
            type=click.IntRange(1, 24 * 60),
            help=_("The daemon looks so often where the server cannot notify it. Default: 10."),
        ),
    )
