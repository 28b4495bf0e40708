"""Reads files of reference data: everything that is wrong in them is found, or everything is read."""

from collections.abc import Sequence
from pathlib import Path

from schemas.reference.agency import Agency
from schemas.reference.official import Official
from schemas.reference.procedure import ProcedureVersion


def read_agencies(paths: Sequence[Path]) -> list[Agency]:
    """The agencies of some files, as one load; raises WrongReferenceData, or UnreadableFile if one is missing."""
    raise NotImplementedError


def read_procedures(paths: Sequence[Path]) -> list[ProcedureVersion]:
    """The procedures of some files, as one load; raises WrongReferenceData, or UnreadableFile if one is missing."""
    raise NotImplementedError


def read_officials(paths: Sequence[Path]) -> list[Official]:
    """The officials of some files, as one load; raises WrongReferenceData, or UnreadableFile if one is missing."""
    raise NotImplementedError
