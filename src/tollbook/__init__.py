"""tollbook: the ledger for LLM traffic."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tollbook.monitor import ProductionMonitor

__version__ = "0.1.0"
__all__ = ["ProductionMonitor", "__version__"]


def __getattr__(name: str) -> object:
    # start-up: the command line imports this package, and needs no monitor
    if name == "ProductionMonitor":
        from tollbook.monitor import ProductionMonitor  # noqa: PLC0415

        return ProductionMonitor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
