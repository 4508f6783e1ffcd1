"""Each route that isn't a compilation or a link."""

from __future__ import annotations

import pytest

import armexec

from .client import JSON, Client


def test_languages(ce: Client) -> None:
    found = {language["id"]: language for language in ce.get("/api/languages")}
    assert set(found) == {"c", "c++", "assembly", "words"}
    assert set(found["c"]) == {"id", "name", "extensions", "monaco"}
    assert ".cpp" in found["c++"]["extensions"]
    # No file belongs to two: clients would ask which.
    extensions = [extension for language in found.values() for extension in language["extensions"]]
    assert len(extensions) == len(set(extensions))


def test_languages_with_fields(ce: Client) -> None:
    fields = "id,name,extensions,example,defaultCompiler"
    compilers = {compiler["id"] for compiler in ce.get("/api/compilers")}
    for language in ce.get("/api/languages", fields=fields):
        assert set(language) == set(fields.split(","))
        assert language["example"]
        assert language["defaultCompiler"] in compilers
    assert "supportsExecute" in ce.get("/api/languages", fields="all")[0]


def test_compilers(ce: Client) -> None:
    every = ce.get("/api/compilers")
    assert {"c-linux", "c-apple", "c-bare", "cxx-linux", "asm-linux", "words"} <= {one["id"] for one in every}
    assert {one["instructionSet"] for one in every} == {"aarch64"}
    assert all(one["semver"] for one in every)
    own = ce.get("/api/compilers/c++", fields="id,lang")
    assert {tuple(one.values()) for one in own} == {(f"cxx-{t}", "c++") for t in ("linux", "apple", "bare")}
    assert ce.get("/api/compilers/fortran") == []


def test_compilers_with_the_fields_of_editors(ce: Client) -> None:
    fields = (
        "id,lang,name,groupName,instructionSet,supportsExecute,supportsBinary,supportsBinaryObject,"
        "supportsLibraryCodeFilter,supportsDemangle,supportsIntel,disabledFilters"
    )
    found = {one["id"]: one for one in ce.get("/api/compilers", fields=fields)}
    assert all(set(one) == set(fields.split(",")) for one in found.values())
    assert found["c-linux"]["supportsExecute"] is True
    assert found["words"]["supportsExecute"] is False
    assert found["c-linux"]["supportsIntel"] is False


def test_lists_as_text(ce: Client) -> None:
    assert ce.text("/api/languages").splitlines()[:2] == ["Id       | Name", "c        | C"]
    assert "\nc-linux" in ce.text("/api/compilers/c")


@pytest.mark.parametrize("path", ["/api/libraries/c", "/api/libraries", "/api/tools/c++", "/api/formats"])
def test_what_there_is_none_of(ce: Client, path: str) -> None:
    assert ce.get(path) == []


def test_examples(ce: Client) -> None:
    for one in ce.get("/source/builtin/list"):
        found = ce.get(f"/source/builtin/load/{one['lang']}/{one['file']}")
        assert found["file"].strip()
    assert "gcd" in ce.get("/source/builtin/load/c/gcd")["file"]
    assert ce.http.get("/source/builtin/load/c/nothing", headers=JSON).status_code == 404


@pytest.mark.parametrize(
    ("opcode", "said"), [("madd", "Multiply two registers"), ("B.EQ", "Branch"), ("add.4s", "Add"), ("b", "Branch")]
)
def test_instructions(ce: Client, opcode: str, said: str) -> None:
    found = ce.get(f"/api/asm/aarch64/{opcode}")
    assert said in found["tooltip"]
    assert found["html"].startswith("<pre>")
    assert found["url"].endswith(opcode)
    assert said in ce.text(f"/api/asm/aarch64/{opcode}")


def test_markup_of_instructions_is_escaped(ce: Client) -> None:
    page = ce.get("/api/asm/aarch64/add")["html"].removeprefix("<pre>").removesuffix("</pre>")
    assert "&lt;Xd" in page
    assert "<" not in page


@pytest.mark.parametrize("path", ["aarch64/nothing", "amd64/mov", "aarch64/%00", "aarch64/<x>"])
def test_instructions_that_there_are_not(ce: Client, path: str) -> None:
    found = ce.http.get(f"/api/asm/{path}", headers=JSON)
    assert found.status_code == 404
    assert found.json()["error"]


def test_versions(ce: Client) -> None:
    assert ce.text("/api/version") == ce.text("/api/releaseBuild") == f"armexec-{armexec.__version__}"


def test_json_is_one_line(ce: Client) -> None:
    for path in ("/api/languages", "/api/compilers", "/source/builtin/list"):
        assert "\n" not in ce.http.get(path, headers=JSON).text


def test_what_there_isnt_is_told_in_the_form_that_is_asked_for(ce: Client) -> None:
    found = ce.http.get("/api/nothing", headers=JSON)
    assert (found.status_code, found.json()["error"]) == (404, "Not Found")
    assert ce.http.get("/api/nothing").text == "Not Found\n"
    assert ce.http.post("/api/languages", headers=JSON).status_code == 405
