// The words of a build in other languages.

import type { Built, Row } from "./types";

export const FORMATS = ["words", "bytes", "assembly", "Python", "C", "Rust", "armexec (Python)"];

const hex = (word: number) => `0x${word.toString(16).toUpperCase().padStart(8, "0")}`;

function commented(rows: Row[], before: string, comment: string, after: string): string {
  return [before, ...rows.map((row) => `    ${hex(row[1])},  ${comment} ${row[0].toString(16)}: ${row[2]}`), after].join("\n");
}

export function copyAs(format: string, built: Built, rows: Row[]): string {
  switch (format) {
    case "words":
      return rows.map((row) => `${hex(row[1])}  # ${row[2]}`).join("\n") + "\n";
    case "bytes":
      return rows.map((row) => [0, 8, 16, 24].map((at) => ((row[1] >>> at) & 255).toString(16).padStart(2, "0")).join(" ")).join("\n") + "\n";
    case "assembly": {
      const heads = new Map(built.functions.map((f) => [f.first, f.name]));
      return rows.map((row, index) => (heads.has(index) ? `${heads.get(index)}:\n` : "") + `        ${row[2]}`).join("\n") + "\n";
    }
    case "C":
      return commented(rows, "#include <stdint.h>\n\nstatic const uint32_t code[] = {", "//", "};") + "\n";
    case "Rust":
      return commented(rows, `pub static CODE: [u32; ${rows.length}] = [`, "//", "];") + "\n";
    case "armexec (Python)": {
      const signature = built.functions[0]?.signature || "long(long)";
      return `import armexec\n\n${commented(rows, "code = [", "#", "]")}\nf = armexec.function(code, ${JSON.stringify(signature)})\n`;
    }
    default:
      return commented(rows, "code = [", "#", "]") + "\n";
  }
}
