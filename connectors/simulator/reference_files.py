"""The reference data of simulated traffic as files: what `dossier reference load` takes."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from connectors.simulator.administration import Administration
from connectors.simulator.procedure_catalogue import VersionedCatalogue
from schemas.reference.agency import Agency
from schemas.reference.official import Official
from schemas.reference.procedure import FeeLine, ProcedureVersion
from schemas.reference.validity import FIRST_DAY, LAST_DAY, Valid, shown_validity

_AGENCIES = "code,name_vi,name_en,parent,level,group,valid_from,valid_to,aliases,successors"
_PROCEDURES = (
    "code,name_vi,name_en,field,level,service_level,channel,term,unit,fee,electronic_result,valid_from,valid_to"
)
_OFFICIALS = "code,unit,name"


def write_reference_files(folder: Path, agencies: int) -> list[Path]:
    """Write the reference data of a plan with a tree and so many agencies; returns the files.

    Nothing is written where a file of the name has other content: raises FileExistsError, or another OSError.
    """
    administration = Administration(agencies)
    catalogue = VersionedCatalogue(administration)
    texts = {
        folder / "agencies.csv": _text(_AGENCIES, map(_agency, administration.agencies)),
        folder / "procedures.csv": _text(_PROCEDURES, map(_procedure, catalogue.versions)),
        folder / "officials.csv": _text(_OFFICIALS, map(_official, administration.officials())),
    }
    for path, text in texts.items():
        if path.exists() and path.read_bytes() != text:
            raise FileExistsError(f"{path} exists with other content: name an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_bytes(text)
    return list(texts)


def _text(header: str, rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue().encode()


def _agency(agency: Agency) -> Sequence[object]:
    named = agency.code, agency.name_vi, agency.name_en, agency.parent, agency.level, agency.group
    return *named, *_validity(agency), "|".join(agency.aliases), "|".join(agency.successors)


def _procedure(version: ProcedureVersion) -> Sequence[object]:
    return (
        version.code,
        version.name_vi,
        version.name_en,
        version.field,
        "|".join(version.levels),
        version.service_level,
        version.channel,
        version.term,
        version.unit,
        "|".join(map(_fee, version.fees)),
        "yes" if version.electronic_result else "no",
        *_validity(version),
    )


def _official(official: Official) -> Sequence[object]:
    return official.code, official.unit, official.name


def _fee(line: FeeLine) -> str:
    return f"{line.name}={line.amount} {shown_validity(line)}".strip()


def _validity(version: Valid) -> tuple[date | str, date | str]:
    begin, end = version.valid_from, version.valid_to
    return "" if begin == FIRST_DAY else begin, "" if end == LAST_DAY else end
