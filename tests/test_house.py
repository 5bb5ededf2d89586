"""The rules of the house that no linter knows: sizes, names, and what no file may say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("node", "protocol", "api", "simulations", "benchmarks", "tests")
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
FORBIDDEN_STEMS = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "base"}
"""Drawers: a function lives with its noun."""
PAGES = ("*.md", "Makefile", "pyproject.toml", "requirements.lock", ".ci/run", "node/shoal.service")
FOREIGN = re.compile(
    r"(?<!\w)/work/|(?<![\w.])/root\b|/tmp/bash_jobs|/opt/(?:pypi|wheels)"  # this or that machine
    r"|https?://(?:[\w.-]*\.)?(?:pypi\.org|pythonhosted\.org|npmjs\.org)"  # where packages come from is pip's affair
)
THIS_FILE = Path(__file__).resolve()


def _python_files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def _shown(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_house_files_have_at_most_500_lines() -> None:
    """A file that grew past 500 lines holds two ideas."""
    long = {_shown(file): count for file in _python_files(*FOLDERS) if (count := _line_count(file)) > FILE_LINES_MAX}
    assert long == {}


def test_house_functions_fit_a_screen() -> None:
    """Outside the tests no function has more than 60 lines, docstring included."""
    long = {
        f"{_shown(file)}:{function.lineno} {function.name}": size
        for file in _python_files(*FOLDERS)
        if not file.is_relative_to(ROOT / "tests")
        for function in _functions(file)
        if (size := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}


def test_house_modules_are_no_drawers() -> None:
    """No module or package is named for a drawer."""
    parts = {_shown(file): {*file.parent.relative_to(ROOT).parts, file.stem} for file in _python_files(*FOLDERS)}
    assert [file for file, names in parts.items() if names & FORBIDDEN_STEMS] == []


def test_house_every_code_folder_is_a_package() -> None:
    """Each folder with Python in it has `__init__.py`, else tests/protocol would shadow protocol."""
    folders = {file.parent for file in _python_files(*FOLDERS)}
    assert [_shown(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_house_no_file_names_a_machine_or_a_package_index() -> None:
    """No path of one machine, and no host that packages come from, is in code or pages."""
    pages = [file for pattern in PAGES for file in ROOT.glob(pattern)]
    assert len(pages) > 4
    found = [
        f"{_shown(file)}:{number}: {line.strip()[:100]}"
        for file in [*_python_files(*FOLDERS), *pages]
        if file != THIS_FILE
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if FOREIGN.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("line", "is_foreign"),
    [
        ("cd /work/" + "main", True),
        ("HOME=/ro" + "ot", True),
        ("--index-url https://py" + "pi.org/simple", True),
        ("keepachangelog.com/en/1.1.0 and a/root of unity", False),
        ("the frame/work/flow", False),
        ("/var/lib/shoal", False),
    ],
    ids=["work", "home", "index", "words", "inner", "installed"],
)
def test_house_pattern_finds_what_it_is_for(line: str, is_foreign: bool) -> None:
    """The pattern above finds what it should, so that an empty result means something."""
    assert bool(FOREIGN.search(line)) is is_foreign


def test_house_chance_in_protocol_comes_in_as_an_argument() -> None:
    """In protocol, `random` is only the type `Random`, never called and never a module of functions."""
    wrong = [
        f"{_shown(file)}:{getattr(node, 'lineno', 0)}"
        for file in _python_files("protocol")
        for node in ast.walk(ast.parse(file.read_text()))
        if _takes_own_chance(node)
    ]
    assert wrong == []


def _takes_own_chance(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(name.name == "random" for name in names)
        case ast.ImportFrom(module="random", names=names):
            return [name.name for name in names] != ["Random"]
        case ast.Call(func=ast.Name(id="Random")):
            return True
    return False


def test_house_tests_say_what_they_show() -> None:
    """Every test has a docstring."""
    silent = [
        f"{_shown(file)}:{function.lineno} {function.name}"
        for file in _python_files("tests")
        for function in _functions(file)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def _line_count(file: Path) -> int:
    return file.read_text().count("\n")
