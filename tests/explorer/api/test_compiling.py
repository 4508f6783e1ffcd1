"""Compilations: their answers, and what each filter does."""

from __future__ import annotations

from typing import Any

import pytest

from armexec.words import parse_words

from .client import JSON, Client, asm, shown

LOOP = """\
// sums
static int unused_data[] = {1};
int table[4] = {1, 2, 3, 4};
int sum(int n) {
    int s = 0;
    for (int i = 0; i < n; i++)
        s += table[i & 3];
    return s;
}
"""
ADD = "struct point { int x; int add(int by); };\nint point::add(int by) { return x + by; }\n"


def filters(**chosen: bool) -> dict[str, Any]:
    return {"filters": chosen}


def test_an_answer_has_all_that_clients_read(ce: Client) -> None:
    answer = ce.compile("int f(int x) {\n  return x + 1;\n}\n", userArguments="-O2")
    assert answer["code"] == 0
    assert asm(answer) == ["f:", "        add     w0, w0, #1", "        ret"]
    assert answer["asm"][1]["source"] == {"file": None, "line": 2, "mainsource": True, "column": 12}
    assert answer["asm"][0]["source"] is None
    assert answer["labelDefinitions"] == {"f": 1}
    assert answer["instructionSet"] == "aarch64"
    assert answer["inputFilename"] == "<source>"
    assert "-O2" in answer["compilationOptions"]
    assert "-O0" not in answer["compilationOptions"]
    assert (answer["stdout"], answer["stderr"], answer["tools"]) == ([], [], [])
    assert (answer["timedOut"], answer["truncated"], answer["okToCache"]) == (False, False, True)
    assert answer["execTime"] >= 0
    assert "execResult" not in answer


@pytest.mark.parametrize("target", ["linux", "apple", "bare"])
@pytest.mark.parametrize("prefix", ["c", "cxx"])
def test_every_compiler(ce: Client, prefix: str, target: str) -> None:
    answer = ce.compile(LOOP, f"{prefix}-{target}", userArguments="-O1")
    assert answer["code"] == 0
    lines = {line["source"]["line"] for line in answer["asm"] if line["source"]}
    assert {6, 7, 8} <= lines
    assert not [text for text in asm(answer) if text.strip().startswith(".cfi")]


def test_labels_have_their_places(ce: Client) -> None:
    answer = ce.compile(LOOP, userArguments="-O0")
    texts = asm(answer)
    for line in answer["asm"]:
        for label in line["labels"]:
            columns = label["range"]
            assert line["text"][columns["startCol"] - 1 : columns["endCol"] - 1] == label["name"]
    branch = next(line for line in answer["asm"] if line["text"].split()[:1] == ["b"])
    target = branch["labels"][0]["name"]
    assert texts[answer["labelDefinitions"][target] - 1] == f"{target}:"


def test_errors_have_their_places(ce: Client) -> None:
    answer = ce.compile("int f(int x) {\n  return y;\n}\n")
    assert answer["code"] == 1
    assert asm(answer) == ["<Compilation failed>"]
    first = answer["stderr"][0]
    assert first["text"].startswith("<source>:2:10: error: ")
    tag = first["tag"]
    assert (tag["line"], tag["column"], tag["severity"], tag["fixes"]) == (2, 10, 3, [])
    assert "'y'" in tag["text"]


def test_warnings_are_told_beside_the_assembly(ce: Client) -> None:
    answer = ce.compile("int f(void) { int y; return 1; }", userArguments="-Wall")
    assert answer["code"] == 0
    assert answer["stderr"][0]["tag"]["severity"] == 2
    assert "unused" in answer["stderr"][0]["text"]


def test_an_unknown_option_is_the_compilers_message(ce: Client) -> None:
    answer = ce.compile("int x;", userArguments="-fno-such-thing")
    assert answer["code"] == 1
    assert "-fno-such-thing" in " ".join(shown(answer["stderr"]))
    assert ce.compile("int x;", userArguments="-DX='")["code"] == 1


def test_directives(ce: Client) -> None:
    without, with_all = ce.compile(LOOP), ce.compile(LOOP, **filters(directives=False))
    assert not [text for text in asm(without) if ".globl" in text or ".loc" in text]
    assert [text for text in asm(with_all) if text.split()[:2] == [".globl", "sum"]]
    # Data of what is used stays.
    assert [text for text in asm(without) if text.split()[:2] == [".word", "4"]]


def test_comments(ce: Client) -> None:
    without, with_all = ce.compile(LOOP), ce.compile(LOOP, **filters(commentOnly=False))
    assert not [text for text in asm(without) if text.strip().startswith("//")]
    assert [text for text in asm(with_all) if text.strip().startswith("//")]


def test_unused_labels(ce: Client) -> None:
    without, with_all = ce.compile(LOOP), ce.compile(LOOP, **filters(labels=False))
    assert set(without["labelDefinitions"]) < set(with_all["labelDefinitions"])
    assert {"sum", "table"} <= set(without["labelDefinitions"])
    assert [name for name in with_all["labelDefinitions"] if name.startswith(".Ltmp")]
    assert not [name for name in without["labelDefinitions"] if name.startswith(".Ltmp")]


def test_whitespace(ce: Client) -> None:
    assert "  add w0, w0, #1" in asm(
        ce.compile("int f(int x) { return x + 1; }", userArguments="-O1", **filters(trim=True))
    )
    text = 'const char *f(void) { return "a   b"; }'
    assert '  .asciz "a   b"' in asm(ce.compile(text, **filters(trim=True)))


@pytest.mark.parametrize("target", ["linux", "apple"])
@pytest.mark.parametrize("binary", ["", "binaryObject", "binary"])
def test_names(ce: Client, target: str, binary: str) -> None:
    chosen = {binary: True} if binary else {}
    source, mangled = ADD + "int g(point *p) { return p->add(2); }", "_ZN5point3addEi"
    answer = ce.compile(source, f"cxx-{target}", **filters(**chosen))
    assert "point::add(int):" in asm(answer)
    assert "point::add(int)" in answer["labelDefinitions"]
    assert mangled not in "".join(asm(answer))
    call = next(line for line in answer["asm"] if line["text"].split()[:1] == ["bl"])
    assert call["labels"][0]["name"] == "point::add(int)"
    raw = ce.compile(source, f"cxx-{target}", **filters(demangle=False, **chosen))
    assert f"{mangled}:" in "\n".join(asm(raw))


LIBRARY = {
    "filename": "library.h",
    "contents": "static inline __attribute__((noinline)) int twice(int x) { return 2 * x; }\n",
}


@pytest.mark.parametrize("binary", [False, True])
def test_library_code(ce: Client, binary: bool) -> None:
    source = '#include "library.h"\nint f(int x) { return twice(x); }\n'
    found = []
    for on in (False, True):
        options = {"userArguments": "-O1", "filters": {"libraryCode": on, "binaryObject": binary}}
        found.append(ce.post("c-linux", {"source": source, "files": [LIBRARY], "options": options}).json())
    assert "twice:" in asm(found[0])
    assert [line["source"]["file"] for line in found[0]["asm"] if line["source"] and line["source"]["file"]] or binary
    assert "twice:" not in asm(found[1])
    assert "f:" in asm(found[1])


def test_constants_of_a_function_after_library_code_stay(ce: Client) -> None:
    source = '#include "library.h"\ndouble f(int x) { return twice(x) * 3.14159; }\n'
    options = {"userArguments": "-O1", "filters": {"libraryCode": True}}
    answer = ce.post("c-linux", {"source": source, "files": [LIBRARY], "options": options}).json()
    assert [text for text in asm(answer) if text.split()[:1] == [".xword"]]


def test_binary_objects(ce: Client) -> None:
    answer = ce.compile("int f(int x) {\n  return x;\n}\n", userArguments="-O1", **filters(binaryObject=True))
    assert asm(answer) == ["f:", "        ret"]
    instruction = answer["asm"][1]
    assert (instruction["address"], instruction["opcodes"]) == (0, ["c0", "03", "5f", "d6"])
    assert instruction["source"]["line"] == 2


def test_linked_code_has_its_own_functions_only(ce: Client) -> None:
    # The division is compiler_rt's, which is linked in.
    source = "__int128 f(__int128 a, __int128 b) { return a / b; }\nint main(void) { return (int)f(9, 4); }\n"
    answer = ce.compile(source, **filters(binary=True))
    assert set(answer["labelDefinitions"]) == {"f", "main"}
    calls = [line for line in answer["asm"] if line["text"].split()[:1] == ["bl"]]
    assert {"__divti3", "f"} <= {line["text"].split()[1] for line in calls}
    assert all("address" in line for line in answer["asm"] if line["source"])


def test_assembly_is_shown_with_its_bytes(ce: Client) -> None:
    answer = ce.compile("// first\nf:  add x0, x0, x1\n    cbz x0, f\n    ret\n", "asm-linux")
    assert [text.split() for text in asm(answer)] == [["f:"], ["add", "x0,", "x0,", "x1"], ["cbz", "x0,", "f"], ["ret"]]
    assert [line["source"]["line"] for line in answer["asm"][1:]] == [2, 3, 4]
    assert answer["asm"][2]["labels"][0]["name"] == "f"
    assert answer["asm"][3]["opcodes"] == ["c0", "03", "5f", "d6"]
    wrong = ce.compile("f:  add x0, x0, x99\n", "asm-linux")
    assert wrong["code"] == 1
    assert (wrong["stderr"][0]["tag"]["line"], wrong["stderr"][0]["tag"]["severity"]) == (1, 3)


def test_words(ce: Client) -> None:
    answer = ce.compile("0xd10043ff\n0xd65f03c0\n", "words")
    assert [text.split()[0] for text in asm(answer)[1:]] == ["sub", "ret"]
    assert [line["source"]["line"] for line in answer["asm"][1:]] == [1, 2]
    words = [int.from_bytes(bytes.fromhex("".join(line["opcodes"])), "little") for line in answer["asm"][1:]]
    assert words == parse_words("d10043ff d65f03c0")
    assert ce.compile("rubbish", "words")["stderr"][0]["tag"]["line"] == 1


def test_other_files(ce: Client) -> None:
    files = [
        {"filename": "inner/a.h", "contents": '#include "b.h"\n'},
        {"filename": "inner/b.h", "contents": "#define N 7\n"},
    ]
    body: dict[str, Any] = {"source": '#include "inner/a.h"\nint f(void) { return N; }', "files": files}
    body["options"] = {"userArguments": "-O1"}
    assert "mov     w0, #7" in " ".join(asm(ce.post("c-linux", body).json()))
    files[1]["contents"] = "#error here\n"
    wrong = ce.post("c-linux", body).json()
    assert "inner/b.h:1:2: error: here" in shown(wrong["stderr"])
    assert "armexec-" not in " ".join(shown(wrong["stderr"]))
    assembly = {
        "source": '.include "m.s"\nf: ret\n',
        "files": [{"filename": "m.s", "contents": "nop\n"}],
        "options": {},
    }
    assert "        nop" in asm(ce.post("asm-linux", assembly).json())


@pytest.mark.parametrize("name", ["../a.h", "/etc/a.h", "a/../../b.h", "", ".", "a\0b", "x" * 5000])
def test_files_that_lead_elsewhere(ce: Client, name: str) -> None:
    body = {"source": "int x;", "files": [{"filename": name, "contents": "x"}], "options": {}}
    answer = ce.post("c-linux", body).json()
    assert answer["code"] == 1
    assert answer["stderr"][0]["text"]


def test_tools_and_libraries_that_there_are_not(ce: Client) -> None:
    answer = ce.compile(
        "int x;", tools=[{"id": "pahole", "args": "", "stdin": ""}], libraries=[{"id": "fmt", "version": "11"}]
    )
    assert answer["code"] == 0
    assert answer["tools"][0]["id"] == "pahole"
    assert "pahole" in answer["tools"][0]["stderr"][0]["text"]
    assert "fmt" in answer["stderr"][0]["text"]


def test_assembly_that_nobody_wants(ce: Client) -> None:
    assert ce.compile("int f(void) { return 1; }", compilerOptions={"skipAsm": True})["asm"] == []


def test_the_compiler_tells_the_language(ce: Client) -> None:
    # As cexpl, which sends no language, and as others, which send another one.
    assert ce.post("cxx-linux", {"source": "class a;", "lang": "c", "options": {}}).json()["code"] == 0
    assert ce.post("c-linux", {"source": "class a;", "options": {}}).json()["code"] == 1


def test_an_unknown_compiler(ce: Client) -> None:
    found = ce.post("g122", {"source": "", "options": {}})
    assert found.status_code == 404
    assert "g122" in found.json()["error"]


class TestText:
    """A source as the body, options in the query, text as the answer: curl's way."""

    def post(self, ce: Client, source: str, query: str, **headers: str) -> Any:
        # The type that curl sends with --data-binary.
        headers = {"content-type": "application/x-www-form-urlencoded", **headers}
        return ce.http.post(f"/api/compiler/c-linux/compile?{query}", content=source, headers=headers)

    def test_assembly(self, ce: Client) -> None:
        answer = self.post(ce, "int f(int x) { return x + 1; }", "options=-O2")
        assert answer.headers["content-type"].startswith("text/plain")
        banner, *lines = answer.text.splitlines()
        assert banner.startswith("# Compilation provided by armexec")
        assert lines == ["f:", "        add     w0, w0, #1", "        ret"]

    def test_filters(self, ce: Client) -> None:
        source = "int f(int x) { return x + 1; }"
        assert ".globl" in self.post(ce, source, "filters=labels,demangle").text
        assert "  add w0" in self.post(ce, source, "options=-O1&addFilters=trim").text
        assert ".globl" in self.post(ce, source, "removeFilters=directives").text

    def test_errors(self, ce: Client) -> None:
        text = self.post(ce, "int f(", "").text
        assert "<Compilation failed>\n# Compiler exited with result code 1\nStandard error:\n<source>:1:" in text

    def test_json(self, ce: Client) -> None:
        assert self.post(ce, "int x;", "", **JSON).json()["code"] == 0

    def test_execution(self, ce: Client) -> None:
        text = self.post(ce, "int main(void) { return 3; }", "addFilters=execute").text
        assert text.endswith("\n# Execution result with exit code 3\n")
