"""Requests to the API as its clients make them."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

JSON = {"accept": "application/json"}
# A main that needs no library: it writes its arguments and its input to standard output, and "bad" to standard error.
ECHO = """
static long call(long number, long a, long b, long c) {
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
static void put(int stream, const char *text) {
    long n = 0;
    while (text[n]) n++;
    call(64, stream, (long)text, n);
}
int main(int argc, char **argv) {
    char line[32];
    for (int i = 1; i < argc; i++) { put(1, argv[i]); put(1, "\\n"); }
    long n = call(63, 0, (long)line, 32);
    call(64, 1, (long)line, n);
    put(2, "bad\\n");
    return argc + 40;
}
"""


class Client:
    """A client that asks for JSON."""

    def __init__(self, http: TestClient) -> None:
        self.http = http

    def get(self, path: str, **parameters: str) -> Any:
        """The JSON of a path."""
        found = self.http.get(path, params=parameters, headers=JSON)
        assert found.status_code == 200, found.text
        return found.json()

    def text(self, path: str) -> str:
        """The text of a path."""
        found = self.http.get(path)
        assert found.status_code == 200, found.text
        return found.text

    def compile(self, source: str, compiler: str = "c-linux", **options: Any) -> Any:
        """The answer to a compilation."""
        found = self.post(compiler, {"source": source, "options": options})
        assert found.status_code == 200, found.text
        return found.json()

    def post(self, compiler: str, body: Any) -> Any:
        """The response to a body."""
        return self.http.post(f"/api/compiler/{compiler}/compile", json=body, headers=JSON)

    def shorten(self, state: Any) -> str:
        """The id of a link."""
        found = self.http.post("/api/shortener", json=state, headers=JSON)
        assert found.status_code == 200, found.text
        url: str = found.json()["url"]
        return url.rpartition("/z/")[2]


def asm(answer: Any) -> list[str]:
    """The lines of assembly of an answer."""
    return [line["text"] for line in answer["asm"]]


def shown(lines: Any) -> list[str]:
    """The texts of lines."""
    return [line["text"] for line in lines]
