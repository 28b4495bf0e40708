"""The SQL of this package, a file a query."""

from importlib.resources import files

from schemas.profile import Profile


def query(name: str, profile: Profile) -> str:
    """The query of this name, with the deployment's rules filled in."""
    text = (files("streams") / "queries" / f"{name}.sql").read_text()
    return text.replace("{time_zone}", profile.time_zone).replace("{terms}", profile.terms)
