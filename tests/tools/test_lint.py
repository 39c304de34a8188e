# SPDX-License-Identifier: Apache-2.0
"""Every check of the source can fail: each is shown one mistake that it must find."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def tree(tmp_path):
    """A source tree with two layers and nothing wrong in it."""
    write(tmp_path / "src/layers.txt", "source\ntarget\nmodel\nbase\n")
    write(tmp_path / "src/base/error.h", LICENCE + "#include <stdio.h>\n")
    write(tmp_path / "src/model/value.h", LICENCE + '#include "base/error.h"\n')
    write(tmp_path / "src/source/postgres/copy.h", LICENCE + "#include <libpq-fe.h>\n")
    write(tmp_path / "src/target/target.h", LICENCE)
    write(tmp_path / "src/main.c", LICENCE + '#include "source/postgres/copy.h"\n')
    return tmp_path


def check(name, tree):
    done = subprocess.run([sys.executable, ROOT / f"tools/lint/{name}.py", tree],
                          capture_output=True, text=True)
    return done.returncode, done.stdout


def assert_finds(name, tree, *words):
    status, output = check(name, tree)
    assert status == 1, output
    for word in words:
        assert word in output


@pytest.mark.parametrize("name", ["layers", "limits", "banned"])
def test_a_good_tree_passes(name, tree):
    assert check(name, tree)[0] == 0


@pytest.mark.parametrize("name", ["layers", "limits", "banned"])
def test_an_empty_tree_fails(name, tmp_path):
    write(tmp_path / "src/layers.txt", "base\n")
    assert_finds(name, tmp_path, "no source files")


@pytest.mark.parametrize("path, include, complaint", [
    ("base/log.c", '"model/value.h"', "base/ may not include"),
    ("source/source.c", '"target/target.h"', "source/ may not include"),
    ("target/target.c", '"source/source.h"', "target/ may not include"),
    ("source/source.c", '"source/postgres/copy.h"', "only main.c names drivers"),
    ("source/mysql/read.c", '"source/postgres/copy.h"', "only main.c names drivers"),
    ("base/log.c", '"error.h"', "is not in src/"),
    ("other/log.c", '"base/error.h"', "its folder is not in src/layers.txt"),
    ("base/log.c", "<libpq-fe.h>", "is included in source/postgres/ only"),
    ("model/log.c", "<ncurses.h>", "is unknown"),
])
def test_layers(tree, path, include, complaint):
    write(tree / "src/source/source.h", LICENCE)
    write(tree / "src" / path, f"{LICENCE}#include {include}\n")
    assert_finds("layers", tree, f"src/{path}", complaint)


def function(body, parameters="int a"):
    return f"{LICENCE}int f({parameters});\nint f({parameters})\n{{\n{body.strip()}\n}}\n"


@pytest.mark.parametrize("text, complaint", [
    (function("a++;\n" * 78), "length 81, at most 80"),
    (function("if (a)\na++;\n" * 15), "complexity 16, at most 15"),
    (function("if (a && a || a ? a : a) a++;\n" * 4), "complexity 17, at most 15"),
    (function("return 0;", "int a, int b, int (*c)(int, int), int d, int e, int f, int g"),
     "parameters 7, at most 6"),
    (function("if (a) for (;;) while (a) switch (a) { case 1: if (a) a++; }"),
     "nesting 5, at most 4"),
    (LICENCE + "int a;\n" * 800, "lines 801, at most 800"),
    (LICENCE + "int a;\n" * 49 + "/* why\n * and why */\n" * 6, "comments 19, at most 15"),
])
def test_limits(tree, text, complaint):
    write(tree / "src/base/log.c", text)
    assert_finds("limits", tree, complaint)


@pytest.mark.parametrize("body", [
    "a++;\n" * 77,
    "if (a)\na++;\n" * 14,
    "if (a) for (;;) while (a) switch (a) { case 1: a++; }",
    "if (a) a++; else if (a) a++; else if (a) a++; else if (a) a++; else if (a) a++;",
    "S s = {{{{{1}}}}};",
])
def test_limits_allow_what_is_within(tree, body):
    write(tree / "src/base/log.c", function(body))
    assert check("limits", tree)[0] == 0


def test_limits_count_header_lines_apart(tree):
    write(tree / "src/base/log.h", LICENCE + "int a;\n" * 250)
    assert_finds("limits", tree, "lines 251, at most 250")


def test_limits_take_an_exception_with_its_reason(tree):
    write(tree / "src/base/log.c", function("a++;\n" * 78))
    write(tree / "tools/lint/limits-allow.txt", "src/base/log.c:f length a table\n")
    assert check("limits", tree)[0] == 0


def test_limits_refuse_an_exception_that_is_not_needed(tree):
    write(tree / "tools/lint/limits-allow.txt", "src/base/log.c:f length a table\n")
    assert_finds("limits", tree, "is not needed any more")


@pytest.mark.parametrize("code", [
    "strcpy(a, b)", "strcat(a, b)", "sprintf(a, b)", "gets(a)", "atoi(a)", "strtok(a, b)",
    "system(a)", "popen(a, b)", "alloca(1)", "goto end",
])
def test_banned(tree, code):
    write(tree / "src/base/log.c", function(f"{code};"))
    assert_finds("banned", tree, "log.c:5", code.split("(")[0].split()[0])


def test_banned_words_may_be_said(tree):
    write(tree / "src/base/log.c", function('/* goto */ puts("system(x)"); a->system(x);'))
    assert check("banned", tree)[0] == 0


def test_a_missing_licence_line(tree):
    write(tree / "src/base/log.c", "int a;\n")
    assert_finds("banned", tree, "the first line is")


@pytest.mark.parametrize("line, complaint", [
    ("/" + "work/main", "somebody's machine"),
    ("see (/" + "root/x)", "somebody's machine"),
    ("https:/" + "/registry.example.org/x", "package registry"),
    ("http:/" + "/deb." + "debian.org/debian", "package registry"),
    ("TO" + "DO: more", "unfinished"),
    ("FIX" + "ME", "unfinished"),
])
def test_leaks(tmp_path, line, complaint):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    write(tmp_path / "README.md", "fine: https://example.org/registry, ~/work/ and $HOME/work/\n")
    assert check("leaks", tmp_path)[0] == 0
    write(tmp_path / "docs/a.md", line + "\n")
    assert_finds("leaks", tmp_path, "docs/a.md:1", complaint)


def compile_object(tree, name, text):
    """src/base/NAME.c, and its object file where cmake would put it under the folder build"""
    source = tree / f"src/base/{name}.c"
    compiled = tree / f"build/CMakeFiles/bqferry_base.dir/src/base/{name}.c.o"
    write(source, text)
    compiled.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-c", source, "-o", compiled], check=True)


def check_externs(tree):
    done = subprocess.run([sys.executable, ROOT / "tools/lint/externs.py", tree / "build", tree],
                          capture_output=True, text=True)
    return done.returncode, done.stdout


def test_externs(tmp_path):
    status, output = check_externs(tmp_path)
    assert status == 1 and "no object files" in output
    compile_object(tmp_path, "a", "int used(void) { return 1; }")
    compile_object(tmp_path, "b", "int used(void);\nint main(void) { return used(); }")
    assert check_externs(tmp_path)[0] == 0
    compile_object(tmp_path, "c", "int lonely(void) { return 1; }")
    write(tmp_path / "tests/test_c.c", "lonely();")
    status, output = check_externs(tmp_path)
    assert status == 1 and "lonely is used nowhere in src/" in output


def test_externs_for_a_test(tmp_path):
    compile_object(tmp_path, "a", "int inner(void) { return 1; }\nint main(void) { return inner(); }")
    status, output = check_externs(tmp_path)
    assert status == 1 and "inner is used by no other file and by no test" in output
    write(tmp_path / "tests/test_a.c", "inner();")
    assert check_externs(tmp_path)[0] == 0


def copy_project(to):
    """The repository with base/ as its only layer, so that each check takes seconds."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.split("\0"):
        kept = not name.startswith(("src/", "tests/")) or name.startswith("src/base/") \
            or name == "src/layers.txt"
        if name and kept and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)
    for folder in ("unit", "fuzz"):
        write(to / f"tests/{folder}/CMakeLists.txt", "")
    write(to / "src/main.c", LICENCE + "int main(void)\n{\n    return 0;\n}\n")
    subprocess.run(["git", "init", "-q", to], check=True)


@pytest.mark.parametrize("name, path, mistake", [
    ("format", "src/base/planted.c", "int  a ;\n"),
    ("shell", "tools/planted.sh", "#!/bin/sh\ncd $1\n"),
    ("headers", "src/base/planted.h", "size_t planted(void);\n"),
    ("docs", "docs/configuration.md", "not what the program says\n"),
    ("tidy", "src/base/planted.c",
     LICENCE + "int planted(int *a);\nint planted(int *a)\n{\n    if (a)\n        return 1;\n"
     "    return *a;\n}\n"),
])
def test_run_sh_fails(tmp_path, name, path, mistake):
    copy_project(tmp_path)
    command = [tmp_path / "tools/lint/run.sh", name]
    if name != "docs":
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 passed, 0 failed"), done.stdout
    write(tmp_path / path, mistake)
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "0 passed, 1 failed"), done.stdout
    assert f"FAIL lint {name}" in done.stdout
