"""Errors of the whole project: the common root, and errors of settings."""


class DossierError(Exception):
    """The root of every error that this project raises on purpose; its text is one line that says what to do.

    `exit_code` is what the `dossier` command ends with: 1 a failed command, 2 wrong usage or settings, 3 a service
    that cannot be reached, 4 data that does not agree.
    """

    exit_code = 1


class SettingError(DossierError):
    """A setting is missing or wrong: correct the variable or profile key that the text names."""

    exit_code = 2


class OutsideCalendar(DossierError):
    """An instant, or the end of a term, is outside the days that calendars have: correct the instant or the amount."""

    exit_code = 2
