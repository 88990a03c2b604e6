"""What every part of a profile has in common."""

from __future__ import annotations

from pydantic import BaseModel, BeforeValidator, ConfigDict

FROM_LIST = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
"""TOML and JSON have lists, which a strict model takes for no tuples."""


class Part(BaseModel):
    """A part of the profile: unknown keys are refused, values never change, and no type is quietly converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
