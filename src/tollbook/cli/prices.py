"""The commands `prices list` and `prices show`: what the catalogue says, and how it understands a name."""

from typing import TYPE_CHECKING, Annotated

import typer

from tollbook.cli.group import Group
from tollbook.cli.options import Format, Limit, Output, Sort

if TYPE_CHECKING:
    from tollbook.cli.session import Session

_prices = typer.Typer(
    name="prices", cls=Group, help="The price catalogue: what a token cost, and when.", no_args_is_help=True
)

Provider = Annotated[str | None, typer.Option("--provider", help="The provider, as your logs name it.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(_prices)


@_prices.command("list", epilog="Example: tollbook prices list --provider mistral")
def list_prices(
    context: typer.Context,
    *,
    provider: Provider = None,
    model_filter: Annotated[
        str | None, typer.Option("--model-filter", help="Only models whose name holds this text.")
    ] = None,
    output_format: Format = None,
    output: Output = None,
    sort: Sort = None,
    limit: Limit = None,
) -> None:
    """List what every model costs now, in USD per million tokens (ordinary tier, short prompts)."""
    from tollbook.cli.emit import emit  # noqa: PLC0415 - start-up
    from tollbook.prices.explain import list_report  # noqa: PLC0415
    from tollbook.prices.resolve import Catalogue  # noqa: PLC0415

    session: Session = context.obj
    report = list_report(Catalogue.load(), session.now, provider=provider, model_filter=model_filter)
    emit(session, report, format=output_format, output=output, sort=sort, limit=limit)


@_prices.command("show", epilog="Example: tollbook prices show gpt-4o-mini")
def show_price(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model, as your logs name it.")],
    *,
    provider: Provider = None,
    at: Annotated[
        str | None, typer.Option("--at", help="Only prices of this moment: an ISO date or date-time.")
    ] = None,
    output_format: Format = None,
    output: Output = None,
    sort: Sort = None,
    limit: Limit = None,
) -> None:
    """Show every price of a model: tiers, dates, prompt sizes, hours; and which catalogue entry its name means."""
    from tollbook.cli.emit import emit  # noqa: PLC0415 - start-up
    from tollbook.prices.explain import show_report  # noqa: PLC0415
    from tollbook.prices.resolve import Catalogue  # noqa: PLC0415
    from tollbook.report.window import parse_moment  # noqa: PLC0415

    session: Session = context.obj
    report = show_report(
        Catalogue.load(),
        model,
        parse_moment(at, session.zone) if at else session.now,
        provider=provider,
        aliases=session.settings.config.models.aliases,
        only_now=at is not None,
    )
    emit(session, report, format=output_format, output=output, sort=sort, limit=limit)
