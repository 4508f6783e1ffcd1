// Registers and memory as numbers.

export type GeneralView = "hex" | "signed" | "unsigned" | "w signed" | "float";
export const GENERAL_VIEWS: GeneralView[] = ["hex", "signed", "unsigned", "w signed", "float"];

const buffer = new DataView(new ArrayBuffer(16));

export function general(hex: string, view: GeneralView): string {
  const value = BigInt(`0x${hex}`);
  switch (view) {
    case "hex":
      return hex.padStart(16, "0");
    case "signed":
      return BigInt.asIntN(64, value).toLocaleString("en").replaceAll(",", " ");
    case "unsigned":
      return value.toLocaleString("en").replaceAll(",", " ");
    case "w signed":
      return BigInt.asIntN(32, value).toLocaleString("en").replaceAll(",", " ");
    case "float":
      buffer.setBigUint64(0, value, true);
      return real(buffer.getFloat64(0, true), 17);
  }
}

export function real(value: number, digits: number): string {
  if (Object.is(value, -0)) return "-0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const shortest = digits > 9 ? String(value) : String(Math.fround(value)) === String(value) ? shortestFloat(value) : String(value);
  return shortest;
}

/** The shortest decimal number that is the same float. */
function shortestFloat(value: number): string {
  for (let digits = 1; digits < 10; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : (fraction / 1024) * 2 ** -14);
}

/** Lanes: how many, the name of the arrangement, and how each is written. */
export const LANES: Record<string, (view: DataView) => string[]> = {
  "16b hex": (v) => at(16, (i) => v.getUint8(i).toString(16).padStart(2, "0")),
  "16b unsigned": (v) => at(16, (i) => String(v.getUint8(i))),
  "16b signed": (v) => at(16, (i) => String(v.getInt8(i))),
  "16b text": (v) => at(16, (i) => printable(v.getUint8(i)).replace(" ", "␣")),
  "8h hex": (v) => at(8, (i) => v.getUint16(2 * i, true).toString(16).padStart(4, "0")),
  "8h signed": (v) => at(8, (i) => String(v.getInt16(2 * i, true))),
  "8h float": (v) => at(8, (i) => real(half(v.getUint16(2 * i, true)), 9)),
  "4s hex": (v) => at(4, (i) => v.getUint32(4 * i, true).toString(16).padStart(8, "0")),
  "4s signed": (v) => at(4, (i) => String(v.getInt32(4 * i, true))),
  "4s float": (v) => at(4, (i) => real(v.getFloat32(4 * i, true), 9)),
  "2d hex": (v) => at(2, (i) => v.getBigUint64(8 * i, true).toString(16).padStart(16, "0")),
  "2d signed": (v) => at(2, (i) => String(v.getBigInt64(8 * i, true))),
  "2d float": (v) => at(2, (i) => real(v.getFloat64(8 * i, true), 17)),
  "1q hex": (v) => [v.getBigUint64(8, true).toString(16).padStart(16, "0") + v.getBigUint64(0, true).toString(16).padStart(16, "0")],
};

function at(count: number, lane: (index: number) => string): string[] {
  // The highest lane first, as a number is written.
  return Array.from({ length: count }, (_, index) => lane(count - 1 - index));
}

export function lanes(hex: string, view: string): string[] {
  const full = hex.padStart(32, "0");
  buffer.setBigUint64(8, BigInt(`0x${full.slice(0, 16)}`), true);
  buffer.setBigUint64(0, BigInt(`0x${full.slice(16)}`), true);
  return LANES[view](buffer);
}

export function printable(code: number): string {
  return code >= 32 && code < 127 ? String.fromCharCode(code) : "·";
}

/** Eight bytes of memory, as hexadecimal text in the order of memory, as a number; null if one can't be read. */
export function word64(bytes: string): bigint | null {
  if (bytes.length < 16 || bytes.includes(".")) return null;
  return BigInt(`0x${bytes.match(/../g)!.reverse().join("")}`);
}
