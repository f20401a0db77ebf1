"""What a record means, by itself."""

from __future__ import annotations

import pytest

from smallmail.zones import meaning


@pytest.mark.parametrize(("published", "trouble"), [
    ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", ""),
    ("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "only the last 32 belong there"),
    ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUR", "not Base64"),
    ("2HqYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "is not the one"),
])
def test_an_ed25519_record_is_judged_as_a_key(published: str, trouble: str) -> None:
    wanted = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    found = meaning.dkim_trouble(["k=ed25519;p=" + published], wanted)
    assert trouble in found and bool(trouble) == bool(found)
