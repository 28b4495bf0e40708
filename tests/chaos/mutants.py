"""Code with one rule left out: the real source, but for a few words."""

from pathlib import Path
from types import ModuleType


def without(module: ModuleType, *changes: tuple[str, str]) -> ModuleType:
    """The module with other words in the place of these; each must stand in it exactly once."""
    source = Path(str(module.__file__)).read_text()
    for rule, instead in changes:
        assert source.count(rule) == 1, f"{module.__name__} does not say exactly once: {rule}"
        source = source.replace(rule, instead)
    mutant = ModuleType(f"{module.__name__}_mutant")
    exec(compile(source, f"mutant of {module.__file__}", "exec"), mutant.__dict__)  # noqa: S102  # our own source
    return mutant
