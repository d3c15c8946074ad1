"""What an idle connection costs, for each kind of connection (`harness.edge.idle` prints it)."""

import pytest

from harness.edge.idle import BOUNDS, cost
from harness.edge.memory import KIB


@pytest.mark.parametrize("kind", BOUNDS)
def test_an_idle_connection_is_small(tmp_path, kind):
    spent = cost(kind, tmp_path)
    print(f"{kind}: {spent / KIB:.1f} KiB")
    assert spent <= BOUNDS[kind], f"{spent / KIB:.1f} KiB"
