"""The SQL of this package, a file a query."""

from importlib.resources import files

from schemas.profile import Profile


def query(name: str, profile: Profile | None = None) -> str:
    """The query of this name, with the rules of a deployment filled in where it needs them."""
    text = (files("streams") / "queries" / f"{name}.sql").read_text()
    if profile is None:
        return text
    return text.replace("{time_zone}", profile.time_zone).replace("{terms}", profile.terms)
