"""The wheel carries the app, and the declared dependencies are the ones that are imported."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from pgvista.errors import NotFound
from pgvista.paths import app_script

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from the checkout, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def _content(wheel: zipfile.ZipFile) -> set[str]:
    return set(wheel.namelist())


def _files(folder: str, pattern: str = "*.py") -> set[str]:
    found = (ROOT / folder).rglob(pattern)
    return {path.relative_to(ROOT).as_posix() for path in found}


def test_the_wheel_carries_the_package(wheel: zipfile.ZipFile) -> None:
    wanted = {name.removeprefix("lib/") for name in _files("lib/pgvista")}
    assert wanted | {"pgvista/py.typed"} <= _content(wheel)


def test_the_wheel_carries_the_app(wheel: zipfile.ZipFile) -> None:
    wanted = {"app.py", ".streamlit/config.toml"} | _files("pages")
    assert {f"pgvista/_app/{name}" for name in wanted} <= _content(wheel)


def test_the_wheel_carries_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in _content(wheel)}
    assert tops == {"pgvista", f"pgvista-{PROJECT['version']}.dist-info"}
    assert not [name for name in _content(wheel) if "__pycache__" in name]


def test_the_wheel_has_the_licence_and_the_command(wheel: zipfile.ZipFile) -> None:
    info = f"pgvista-{PROJECT['version']}.dist-info"
    assert b"Apache License" in wheel.read(f"{info}/licenses/LICENSE")
    assert b"pgvista = pgvista.cli:main" in wheel.read(f"{info}/entry_points.txt")


def test_an_installed_wheel_finds_its_own_app(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    found = subprocess.run(
        [sys.executable, "-c", "from pgvista.paths import app_script; print(app_script())"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert Path(found.stdout.strip()) == (tmp_path / "pgvista/_app/app.py").resolve()


def test_a_checkout_finds_its_own_app() -> None:
    assert app_script() == ROOT / "app.py"


def test_an_installation_without_the_app_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"app\.py is missing"):
        app_script(tmp_path / "lib" / "pgvista")


def test_every_runtime_dependency_is_used() -> None:
    imports, names = _mentioned_modules()
    assert _declared(PROJECT["dependencies"]) - _packages_of(imports | names) == set()


def test_every_imported_package_is_a_runtime_dependency() -> None:
    imports, _ = _mentioned_modules()
    with_extras = _declared(PROJECT["dependencies"]) | {"psycopg-pool", _normal(PROJECT["name"])}
    assert _packages_of(imports) - with_extras == set()


def test_everything_that_is_declared_is_pinned() -> None:
    pins = [
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert all(len(pin) == 2 for pin in pins), "a pin is name==version"
    assert not [pin for pin in pins if "+" in pin[1]], "a local version fits one machine only"
    extras = [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
    pinned = {_normal(name) for name, _ in pins}
    assert _declared([*PROJECT["dependencies"], *extras]) - pinned == set()


def test_what_is_installed_runs_on_every_python_we_name() -> None:
    """A package for later Pythons alone can't be installed on Debian 12, which has 3.11.2."""
    refused = [
        f"{found.name} {found.version}: {wanted}"
        for found in metadata.distributions()
        if "Requires-Python" in found.metadata
        and (wanted := found.metadata["Requires-Python"])
        and not SpecifierSet(wanted).contains("3.11.2")
    ]
    assert not refused


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared(requirements: list[str]) -> set[str]:
    return {_normal(re.split(r"[^\w.-]", line)[0]) for line in requirements}


def _packages_of(modules: set[str]) -> set[str]:
    installed = metadata.packages_distributions()
    return {_normal(name) for module in modules for name in installed.get(module, ())}


def _mentioned_modules() -> tuple[set[str], set[str]]:
    """Top names of what the package and the app import, and strings that may be looked up so."""
    imports: set[str] = set()
    names: set[str] = set()
    for file in [*_files("lib"), *_files("pages"), "app.py"]:
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))):
            match node:
                case ast.Import():
                    imports |= {alias.name.split(".")[0] for alias in node.names}
                case ast.ImportFrom(level=0, module=str(module)):
                    imports.add(module.split(".")[0])
                case ast.Constant(value=str(text)):
                    names.add(text)
    return imports, names
