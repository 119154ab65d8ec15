"""How a profile's extracts come encrypted, as a profile writes it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from matchpoint.profile.model import Model


class Decrypt(Model):
    """Where the OpenPGP keys are. With this section every file of the profile must come encrypted."""

    connection: str | None = Field(
        None,
        min_length=1,
        description="Airflow connection id: extra private_key and signed_by (armoured), the passphrase as password",
    )
    key_file: str | None = Field(
        None,
        min_length=1,
        description="File with the armoured private key, in place of the connection's private_key",
    )
    signed_by: str | None = Field(
        None,
        min_length=1,
        description="File with the armoured certificates of those who may sign, in place of the connection's",
    )
    signatures: Literal["required", "optional"] = Field(
        "required",
        description="What becomes of a message that nobody signed; a bad signature never passes",
    )

    @model_validator(mode="after")
    def _key_is_somewhere(self) -> Decrypt:
        if not self.connection and not self.key_file:
            raise ValueError("found neither connection nor key_file; expected where the private key is")
        if self.signatures == "required" and not self.connection and not self.signed_by:
            raise ValueError(
                "found no signed_by; expected the file of those who may sign, or signatures: optional to do without"
            )
        return self
