"""The docstrings of an installed package, read from its source without importing it.

A thing is called by its public name: `scipy.linalg._basic.solve` is `scipy.linalg.solve`, since
the package `scipy.linalg` imports it from there.
"""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

MIN_CHARS = 60
"""A shorter docstring says too little to be found."""
MIN_WORDS = 8
MAX_CHARS = 2000
"""About so long is the text of an entry at most; it is cut at a paragraph's end."""

_SKIPPED_FOLDERS = frozenset(
    {
        *("tests", "test", "testing", "_testing", "benchmarks", "examples", "docs", "proto"),
        *("_vendor", "vendor", "vendored", "_vendored", "externals", "static", "templates"),
        *("site-packages", "__pycache__", "node_modules"),
    }
)
_SKIPPED_FILES = frozenset({"__main__.py", "setup.py", "conftest.py", "version.py"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A documented thing."""

    name: str
    """Public qualified name, e.g. ``numpy.linalg.norm``."""
    module: str
    """The public module or package that it is a part of."""
    kind: str
    """module, class, function or method."""
    signature: str
    doc: str
    """The docstring without its indentation."""

    @property
    def summary(self) -> str:
        """The first sentence of the docstring that is not its signature, 160 characters at most."""
        bare = self.name.rpartition(".")[2]
        signatures = (f"{bare}(", f"{self.name}(", ".. ")
        paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", self.doc[:MAX_CHARS]))
        telling = (
            part
            for part in paragraphs
            if re.search(r"\w", part) and not part.startswith(signatures)
        )
        first = re.sub(r"[=~*-]{4,}", "", next(telling, self.name)).strip()
        sentence = re.split(r"(?<=[.!?]) ", first, maxsplit=1)[0]
        return sentence if len(sentence) <= 160 else f"{sentence[:159].rpartition(' ')[0]}…"

    @property
    def text(self) -> str:
        """The signature and the docstring, about `MAX_CHARS` characters at most."""
        return f"{self.signature}\n{cut_at_paragraph(self.doc, MAX_CHARS)}"


def cut_at_paragraph(text: str, max_chars: int) -> str:
    """Cut `text` to `max_chars` characters, at a paragraph's end in its second half, or a line's."""
    if len(text) <= max_chars:
        return text
    head = text[:max_chars]
    for mark in ("\n\n", "\n", " "):
        cut = head.rfind(mark)
        if cut >= max_chars // 2:
            return head[:cut].rstrip()
    return head


def package_entries(
    root: Path, name: str, *, skip: Collection[str] = (), internal: Collection[str] = ()
) -> list[Entry]:
    """Return what is documented in the package or module `name` found at `root`, by public name.

    `root` is the package's folder, or the file of a module. Modules named in `skip`, and those
    below them, are left out, as are tests and what is private; of those in `internal` only what
    other packages import from them is public. A file that does not parse is passed over.
    """
    package = _Package(name, frozenset(internal))
    for path, module in _files(root, name, frozenset(skip)):
        package.read(path, module)
    return package.entries()


def _files(root: Path, name: str, skip: frozenset[str]) -> Iterator[tuple[Path, str]]:
    if root.is_file():
        yield root, name
        return
    for path in sorted(root.iterdir(), key=lambda path: path.name):
        module = f"{name}.{path.stem}"
        if path.is_dir():
            inside = path.name.isidentifier() and path.name not in _SKIPPED_FOLDERS
            if inside and module not in skip and (path / "__init__.py").exists():
                yield from _files(path, module, skip)
        elif path.name == "__init__.py":
            yield path, name
        elif (
            path.suffix == ".py"
            and path.name not in _SKIPPED_FILES
            and not path.name.startswith("test_")
            and module not in skip
        ):
            yield path, module


@dataclass(slots=True)
class _Module:
    name: str
    is_package: bool = False
    defined: set[str] = field(default_factory=set)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    exported: frozenset[str] | None = None
    """``__all__``, when it is written as a list of names."""


class _Package:
    """What was found in the modules of one package."""

    def __init__(self, name: str, internal: frozenset[str]) -> None:
        self._name = name
        self._internal = internal
        self._modules: dict[str, _Module] = {}
        self._found: list[tuple[str, str, str, str, str]] = []
        """Module, name within it, kind, signature, docstring."""

    def read(self, path: Path, name: str) -> None:
        """Parse a file and note what it defines, imports and documents."""
        try:
            source = path.read_text("utf-8")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(source)
        except (OSError, UnicodeDecodeError, SyntaxError, ValueError, RecursionError):
            return
        module = self._module(name)
        module.is_package = path.name == "__init__.py"
        self._note(name, "", "module", name, tree)
        self._body(tree.body, module)

    def _module(self, name: str) -> _Module:
        return self._modules.setdefault(name, _Module(name))

    def entries(self) -> list[Entry]:
        """Return the entries with public names, each name once, in alphabetical order."""
        public = self._public_names()
        entries: dict[str, Entry] = {}
        for module, inner, kind, signature, doc in self._found:
            head, _, rest = inner.partition(".")
            name: str | None = module
            if inner:
                name = public.get((module, head))
                if name is None and self._public(module):
                    name = f"{module}.{head}"
            if name is None or not self._public(name):
                continue
            full = f"{name}.{rest}" if rest else name
            home = name.rpartition(".")[0] if inner else module
            line = signature.replace(inner, full, 1) if inner else f"module {full}"
            entries.setdefault(full, Entry(full, home, kind, line, doc))
        return sorted(entries.values(), key=lambda entry: entry.name)

    def _body(self, body: list[ast.stmt], module: _Module) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                module.defined.add(node.name)
                if not node.name.startswith("_"):
                    self._definition(node, module.name)
            elif isinstance(node, ast.ImportFrom):
                self._import(node, module)
            elif isinstance(node, ast.If):
                self._body(node.body + node.orelse, module)
            elif isinstance(node, ast.Try):
                self._body(node.body, module)
            elif isinstance(node, ast.Assign):
                if any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
                    module.exported = _names(node.value)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                self._added_doc(node.value)

    def _definition(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, module: str
    ) -> None:
        if not isinstance(node, ast.ClassDef):
            self._note(module, node.name, "function", node, node)
            return
        self._note(module, node.name, "class", node, node)
        for item in node.body:
            name = item.name if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) else "_"
            if not name.startswith("_"):
                self._note(module, f"{node.name}.{name}", "method", item, item)

    def _note(
        self,
        module: str,
        inner: str,
        kind: str,
        signed: ast.stmt | str,
        node: ast.Module | ast.stmt,
    ) -> None:
        doc = ast.get_docstring(node, clean=False)  # type: ignore[arg-type]
        if doc and (cleaned := _substance(doc)):
            signature = signed if isinstance(signed, str) else _signature(signed, inner)
            self._found.append((module, inner, kind, signature, cleaned))

    def _import(self, node: ast.ImportFrom, module: _Module) -> None:
        origin = node.module or ""
        if node.level:
            base = module.name.split(".")
            drop = node.level - (1 if module.is_package else 0)
            base = base[: len(base) - drop]
            origin = ".".join([*base, origin] if origin else base)
        if origin.split(".")[0] != self._name:
            return
        for alias in node.names:
            if alias.name == "*":
                module.stars.append(origin)
            else:
                module.imported[alias.asname or alias.name] = (origin, alias.name)

    def _added_doc(self, call: ast.Call) -> None:
        """Note the docstrings that NumPy and PyTorch give to functions written in C."""
        function = call.func.id if isinstance(call.func, ast.Name) else ""
        arguments = call.args
        if function == "add_newdoc" and len(arguments) >= 3:
            place, name = _constant(arguments[0]), _constant(arguments[1])
            described: ast.expr = arguments[2]
            kind = "function"
            if isinstance(described, ast.Tuple) and len(described.elts) == 2:
                name = f"{name}.{_constant(described.elts[0])}"
                described, kind = described.elts[1], "method"
        elif function == "add_docstr" and len(arguments) >= 2:
            place, _, name = ast.unparse(arguments[0]).rpartition(".")
            described, kind = arguments[1], "function"
        elif function == "add_docstr_all" and len(arguments) >= 2:
            place, name = f"{self._name}", f"Tensor.{_constant(arguments[0])}"
            described, kind = arguments[1], "method"
        else:
            return
        doc = _substance(_constant(described))
        if place.split(".")[0] == self._name and name and doc and not _private(name):
            self._module(place).defined.add(name.partition(".")[0])
            self._found.append((place, name, kind, f"{name}(...)", doc))

    def _public(self, name: str) -> bool:
        parts = name.split(".")
        return not _private(name) and not any(
            ".".join(parts[:length]) in self._internal for length in range(1, len(parts) + 1)
        )

    def _public_names(self) -> dict[tuple[str, str], str]:
        """Return the shortest public name for what packages import from their modules."""
        best: dict[tuple[str, str], str] = {}
        for module in self._modules.values():
            if not module.is_package or not self._public(module.name):
                continue
            for name in self._offered(module.name, set()):
                if name.startswith("_"):
                    continue
                origin = self._origin(module.name, name, set())
                if origin is None:
                    continue
                candidate = f"{module.name}.{name}"
                held = best.get(origin)
                if held is None or _rank(candidate) < _rank(held):
                    best[origin] = candidate
        return best

    def _offered(self, name: str, seen: set[str]) -> set[str]:
        """Return the names that a module defines or imports."""
        module = self._modules.get(name)
        if module is None or name in seen:
            return set()
        seen.add(name)
        names = module.defined | set(module.imported)
        for star in module.stars:
            starred = self._modules.get(star)
            if starred is not None:
                offered = starred.exported or self._offered(star, seen)
                names |= {offer for offer in offered if not offer.startswith("_")}
        return names

    def _stars(self, module: str, name: str) -> bool:
        """Whether importing * from a module brings `name`."""
        starred = self._modules.get(module)
        return starred is not None and (starred.exported is None or name in starred.exported)

    def _origin(self, module: str, name: str, seen: set[tuple[str, str]]) -> tuple[str, str] | None:
        """Return the module that defines what `module` calls `name`, and its name there."""
        if (module, name) in seen or module not in self._modules:
            return None
        seen.add((module, name))
        here = self._modules[module]
        if name in here.defined:
            return module, name
        if name in here.imported:
            return self._origin(*here.imported[name], seen)
        found = (self._origin(star, name, seen) for star in here.stars if self._stars(star, name))
        return next((origin for origin in found if origin is not None), None)


def _private(name: str) -> bool:
    return any(part.startswith("_") for part in name.split("."))


def _rank(name: str) -> tuple[int, int, str]:
    return name.count("."), len(name), name


def _names(node: ast.expr) -> frozenset[str] | None:
    if not isinstance(node, ast.List | ast.Tuple):
        return None
    return frozenset(filter(None, map(_constant, node.elts)))


def _constant(node: ast.expr) -> str:
    """Return the text of a literal, also of one that is formatted or treated by a method."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        text = _constant(node.func.value)
        return (
            re.sub(r"^\s*\{\w+\}\s*$", "", text, flags=re.M).replace("{{", "{").replace("}}", "}")
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _constant(node.left) + _constant(node.right)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _substance(doc: str) -> str:
    """Return a docstring cleaned, or "" when it says too little."""
    if len(doc) < MIN_CHARS:
        return ""
    cleaned = inspect.cleandoc(doc).replace("\0", "").strip()
    enough = len(cleaned) >= MIN_CHARS and len(cleaned[:2000].split()) >= MIN_WORDS
    return cleaned.encode("utf-8", "replace").decode() if enough else ""


def _signature(node: ast.stmt, inner: str) -> str:
    """Return ``name(arguments)``; a class has those of its ``__init__``, without self."""
    arguments: ast.arguments | None = None
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = node.args
    elif isinstance(node, ast.ClassDef):
        inits = (item for item in node.body if getattr(item, "name", "") == "__init__")
        init = next(inits, None)
        arguments = init.args if isinstance(init, ast.FunctionDef) else None
    if arguments is None:
        return f"class {inner}"
    shown = ast.unparse(arguments)
    shown = re.sub(r"^(self|cls)(, |$)", "", shown)
    if len(shown) > 400:
        shown = f"{shown[:400].rpartition(',')[0]}, ..."
    kept = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return f"{inner}({shown})" if kept else f"class {inner}({shown})"
