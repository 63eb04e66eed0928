"""``watersmeet evidence``: one report of a period for classified protection."""

from contextlib import ExitStack
from pathlib import Path

import typer

from catalog_sync.assessment import Period
from catalog_sync.platform import open_platform
from catalog_sync.table_reports import write_workbook
from gateway.commands.output import EvidenceFormat
from gateway.errors import CodedError
from gateway.evidence import EvidenceReport, gather
from gateway.level import office_of
from gateway.policy_source import open_store, read_key, run_apart
from gateway.server.authentication import read_register_file
from gateway.settings import SETTINGS_INVALID, load_settings
from policies.credentials import CallerRegister
from policies.publication import PolicyOffice


def run(config: Path, period: Period, form: EvidenceFormat, output: Path | None) -> int:
    """Writes the report to ``output`` or stdout; 1 where a ledger, a version or the separation of duties has a fault.

    Raises CodedError SETTINGS_INVALID where the settings name no store or no key.
    """
    if period.last < period.first:
        raise typer.BadParameter(f"The period ends before it begins: {period}.")
    if form is EvidenceFormat.XLSX and output is None:
        raise typer.BadParameter("A workbook is no text: name a file with --output.")
    report = _gathered(config, period)
    if form is EvidenceFormat.XLSX:
        assert output is not None
        write_workbook(report.tables, output)
    else:
        text = {EvidenceFormat.JSON: report.json, EvidenceFormat.CSV: report.csv, EvidenceFormat.MD: report.markdown}[
            form
        ]()
        if output is None:
            typer.echo(text, nl=False)
        else:
            output.write_text(text, encoding="utf-8")
    typer.echo(f"digest {report.digest}", err=True)
    for fault in report.faults():
        typer.echo(fault, err=True)
    return int(bool(report.faults()))


def _gathered(config: Path, period: Period) -> EvidenceReport:
    settings = load_settings(config)
    if not settings.access.store:
        raise CodedError(SETTINGS_INVALID, "access.store is not set: versions, matters and the ledger live in a store.")
    key = read_key(settings.access.store_key, "access.store_key")
    callers = settings.access.callers
    register = read_register_file(Path(callers)) if callers else CallerRegister()
    with ExitStack() as stack:
        registry = None
        if settings.registry.store:
            registry = office_of(settings, stack.enter_context(open_platform(settings.registry.store)))

        async def work() -> EvidenceReport:
            async with open_store(settings.access.store) as store:
                return await gather(store, PolicyOffice(store, key, dict), register, registry, period)

        return run_apart(work)
