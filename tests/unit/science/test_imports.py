"""SciPy is not used on a torch that another thread has half imported."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from pgvista.science.imports import wait_for_torch


def test_an_import_at_work_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text(
        "import threading\nthreading.begun.set()\nthreading.go_on.wait(20)\nTensor = object\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    begun, go_on, seen = threading.Event(), threading.Event(), []
    monkeypatch.setattr(threading, "begun", begun, raising=False)
    monkeypatch.setattr(threading, "go_on", go_on, raising=False)

    def wait() -> None:
        wait_for_torch()
        seen.append(hasattr(sys.modules["torch"], "Tensor"))

    loading = threading.Thread(target=__import__, args=("torch",))
    loading.start()
    assert begun.wait(20)
    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.2)
    assert seen == []  # it waits
    go_on.set()
    waiting.join(20)
    loading.join(20)
    sys.modules.pop("torch", None)
    assert seen == [True]


def test_without_torch_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    wait_for_torch()
    assert "torch" not in sys.modules
