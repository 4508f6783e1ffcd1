"""What each tool answers, through the SDK's own client."""

from __future__ import annotations

from typing import Any

import pytest

from .client import Asker

pytest.importorskip("mcp.server.mcpserver", reason="mcp isn't installed")

SUM = """int sum(const int *a, int n) {
    int s = 0;
    for (int i = 0; i < n; i++)
        s += a[i];
    return s;
}
int unused(int x) { return sum(&x, 1); }
"""


def test_the_tools_say_what_they_take_and_give(server: Asker) -> None:
    tools = {tool.name: tool for tool in server.portal.call(server.client.list_tools).tools}
    expected = "compile assemble disassemble run trace coverage explain_word lookup_instruction isa_coverage"
    assert set(tools) == set(expected.split())
    for tool in tools.values():
        assert tool.description
        assert tool.annotations.read_only_hint
        assert tool.output_schema["type"] == "object"
        for name, schema in tool.input_schema["properties"].items():
            assert schema["description"], f"{tool.name}: {name}"
    assert "5000000 instructions" in server.client.instructions


def test_compile(server: Asker) -> None:
    found = server.ask("compile", source=SUM, options="-O1")
    assert found["code"] == 0
    assert "clang" in found["compiler"]
    lines = found["asm"].splitlines()
    assert lines[0] == "sum(int const*, int):"
    # Every label that is jumped to is there, and no other local one, nor any directive.
    labels = {line[:-1] for line in lines if line.startswith(".L")}
    assert labels == {line.split()[-1] for line in lines if line.lstrip().startswith("b.")}
    assert labels
    assert not any(line.lstrip().startswith(".") for line in lines if not line.startswith(".L"))
    assert found["functions"][0] == {
        "name": "sum(int const*, int)",
        "signature": "int sum(const int *a, int n)",
        "size": 48,
    }
    assert "asmTruncated" not in found
    assert "hint" not in found


def test_compile_one_function_with_words_and_lines(server: Asker) -> None:
    found = server.ask("compile", source=SUM, language="c", options="-O0", function="unused", binary=True)
    assert found["asm"].startswith("unused:\n")
    assert "sum:" not in found["asm"]
    assert "// line 7" in found["asm"]
    alone = server.ask("compile", source=SUM, language="c", function="sum")
    assert alone["asm"].startswith("sum:\n")
    assert "unused" not in alone["asm"]
    for target in ("linux", "apple", "bare"):
        one = server.ask("compile", source=SUM, function="sum", target=target)["asm"]
        assert one.startswith("sum(int const*, int):\n")
        assert "unused" not in one
    assert "its functions are" in server.failure("compile", source=SUM, function="nothing")


def test_data_stays_and_warnings_are_told(server: Asker) -> None:
    source = '#warning "look"\nint table[3] = {1, 2, 3};\nconst char *text = "a // b";\n'
    found = server.ask("compile", source=source, language="c", options="-g")
    assert "table:\n        .word   1" in found["asm"]
    assert '.asciz  "a // b"' in found["asm"]
    assert "debug" not in found["asm"]
    assert "look" in found["stderr"]


def test_what_is_long_is_cut_and_says_how_to_get_the_rest(server: Asker) -> None:
    whole = server.ask("compile", source=SUM)["asm"].splitlines()
    found = server.ask("compile", source=SUM, maxAsmLines=3)
    assert found["asm"].splitlines() == whole[:3]
    assert found["asmTruncated"] is True
    assert found["asmTotalLines"] == len(whole)
    assert "maxAsmLines" in found["hint"]
    words = " ".join(f"{0xD2800000 + n:08x}" for n in range(1200))
    first = server.ask("disassemble", code=words)
    assert len(first["asm"].splitlines()) == 500
    assert first["instructions"] == first["asmTotalLines"] == 1200
    assert "first=500" in first["hint"]
    last = server.ask("disassemble", code=words, first=1000)
    assert "asmTruncated" not in last
    assert last["asm"].splitlines()[0].split()[0] == f"{4000:x}:"


def test_assemble_and_disassemble(server: Asker) -> None:
    found = server.ask("assemble", source="f: add x0, x0, #1\n b f\n ret\n")
    assert found["words"] == ["91000400", "17ffffff", "d65f03c0"]
    assert found["symbols"] == [{"name": "f", "address": "0x0"}]
    placed = server.ask("assemble", source="adr x0, 0x1010\n", address="0x1000")
    assert placed["words"] == ["10000080"]
    back = server.ask("disassemble", code=" ".join(found["words"]), address="0x1000")
    assert back["asm"].splitlines()[1].split()[2:] == ["b", "0x1000"]
    assert "did you mean add" in server.failure("assemble", source="addd x0, x0, #1")
    assert "is no address" in server.failure("assemble", source="nop", address="somewhere")


def test_run_a_function(server: Asker) -> None:
    found = server.ask("run", source=SUM, function="sum", arguments=["[1, 2, 3]", 3])
    assert (found["result"], found["type"], found["code"]) == ("6", "int", 0)
    assert found["instructions"] > 10
    writes = "void twice(int *a, int n) { for (int i = 0; i < n; i++) a[i] *= 2; }"
    assert server.ask("run", source=writes, arguments=["[1, 2]", 2])["written"] == {"a": "[2, 4]"}
    words = server.ask("run", source="0b000000 d65f03c0", language="hex", arguments=[21], signature="int(int)")
    assert words["result"] == "42"
    text = server.ask("run", source="f: add x0, x0, x1\n ret", language="assembly", arguments=[1, 2])
    assert text["result"] == "3"


def test_run_a_program(server: Asker) -> None:
    echo = """_start_of_data: .asciz "hello\\n"
.globl main
.p2align 2
main:
    mov x19, x0
    mov x0, #1
    adr x1, _start_of_data
    mov x2, #6
    mov x8, #64
    svc #0
    mov x0, x19
    ret
"""
    found = server.ask("run", source=echo, language="assembly", arguments=["a", 2.5])
    assert found["stdout"] == "hello"
    assert found["code"] == 3
    assert "result" not in found


def test_a_trace_in_pages(server: Asker) -> None:
    call: dict[str, Any] = {
        "source": SUM,
        "language": "c",
        "options": "-O1",
        "function": "sum",
        "arguments": ["[7, 8]", 2],
    }
    first = server.ask("trace", **call, maxRows=6)
    assert [row["time"] for row in first["rows"]] == list(range(6))
    assert first["result"] == "15"
    assert first["next"] == 6
    assert "first=6" in first["hint"]
    load = first["rows"][5]
    assert load["text"].startswith("ldr w10")
    assert "w10 = 7" in load["changes"]
    assert load["line"] == 4
    rest = server.ask("trace", **call, first=6, maxRows=1000)
    assert "next" not in rest
    assert len(rest["rows"]) + 6 == rest["instructions"] == first["instructions"]
    last = server.ask("trace", **call, first=-2)
    assert last["rows"] == rest["rows"][-2:]
    assert server.ask("trace", **call, first=10**6)["rows"] == []


def test_the_trace_of_a_fault_ends_before_it(server: Asker) -> None:
    source = "int f(int *p) { int x = 5; return *p + x; }"
    found = server.ask("trace", source=source, arguments=[0], options="-O0", first=-1)
    assert found["error"].startswith("MemoryFault: can't read memory at 0x0")
    assert len(found["rows"]) == 1
    assert "result" not in found


def test_coverage(server: Asker) -> None:
    found = server.ask("coverage", source=SUM, language="c", function="sum", arguments=["[1, 2, 3]", 3])
    counts = {line["line"]: line["count"] for line in found["lines"]}
    assert counts[4] == 3
    assert counts[7] == 0
    assert (found["linesCovered"], found["linesTotal"]) == (5, 6)
    assert [branch["line"] for branch in found["branches"]] == [3]
    assert found["functions"] == [{"name": "sum", "calls": 1}, {"name": "unused", "calls": 0}]
    assert found["result"] == "6"


def test_explain_word(server: Asker) -> None:
    found = server.ask("explain_word", word="0xB8627820")
    assert found["text"] == "ldr w0, [x1, x2, lsl #2]"
    assert "".join(field["value"] for field in found["fields"]) == f"{0xB8627820:032b}"
    assert found["reads"] == ["x1", "x2"]
    assert {"text": "w0", "fields": ["Rt"]} in found["operands"]
    assert "no instruction" in server.ask("explain_word", word="0x04000000")["summary"]
    assert "one word" in server.failure("explain_word", word="d503201f d503201f")
    assert "not a word" in server.failure("explain_word", word="zzz")


def test_lookup_instruction_and_isa_coverage(server: Asker) -> None:
    found = server.ask("lookup_instruction", opcode="MADD")
    assert found["tooltip"].startswith("Multiply")
    assert "Encodings" in found["text"]
    assert server.ask("lookup_instruction", opcode="ldr", maxTextLines=2)["textTruncated"] is True
    assert "did you mean" in server.failure("lookup_instruction", opcode="maddd")
    counted = server.ask("isa_coverage")
    assert counted["described"] > 1700
    assert sum(group["encodings"] for group in counted["groups"]) == counted["encodings"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"source": SUM, "function": "nothing"}, "its functions are"),
        ({"source": SUM, "function": "sum", "arguments": [1]}, "takes 2 arguments, not 1"),
        ({"source": SUM, "function": "sum", "arguments": ["x", 1]}, "neither an array"),
        ({"source": "int x;"}, "no function to call"),
        ({"source": "int f( {"}, "source.cpp:1:9: error: expected expression"),
        ({"source": "void g(void); int main() { g(); }"}, "g"),
        ({"source": SUM, "options": "-O1 '"}, "can't read the options"),
    ],
)
def test_mistakes_are_told(server: Asker, call: dict[str, Any], message: str) -> None:
    text = server.failure("run", **call)
    assert message in text
    assert "armexec failed" not in text
    assert "Traceback" not in text
