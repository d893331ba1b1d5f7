/** Go's zero time, which stands for "no time" wherever a time may not be left out. */
export const zeroTime = "0001-01-01T00:00:00Z";

/** A time as Go writes it, or why Go does not read it. */
export type ReadTime = { readonly time: string } | { readonly failure: string };

const layout = "2006-01-02T15:04:05Z07:00";

/**
 * Reads a time like Go's time.Parse with RFC 3339, which is more lenient than the RFC: an hour may have one digit, a
 * fraction may follow a comma, an offset may be 24 hours. The time comes out as Go writes it: at most nine decimals, no
 * trailing zeros among them, `Z` for no offset.
 */
export function readTime(text: string): ReadTime {
  const found: Record<string, string> = {};
  let rest = text;
  for (const { name, pattern, most } of elements) {
    const match = pattern.exec(rest);
    if (match === null) return cannotParse(text, rest, name);
    const value = match[0];
    if (most !== undefined && !inRange(Number(value), name, most)) {
      return outOfRange(text, ranges[name] ?? "");
    }
    found[name] = value;
    rest = rest.slice(value.length);
  }
  return withFraction(text, rest, found);
}

/** Whether Go would refuse to write this time, though it read it. */
export function isUnwritableTime(time: string): boolean {
  return /[+-]2[4-9]:\d\d$/.test(time);
}

interface Element {
  /** As in Go's layout. */
  readonly name: string;
  readonly pattern: RegExp;
  readonly most?: number;
}

const elements: readonly Element[] = [
  { name: "2006", pattern: /^\d{4}/ },
  { name: "-", pattern: /^-/ },
  { name: "01", pattern: /^\d\d/, most: 12 },
  { name: "-", pattern: /^-/ },
  { name: "02", pattern: /^\d\d/ },
  { name: "T", pattern: /^T/ },
  { name: "15", pattern: /^\d\d?/, most: 23 },
  { name: ":", pattern: /^:/ },
  { name: "04", pattern: /^\d\d/, most: 59 },
  { name: ":", pattern: /^:/ },
  { name: "05", pattern: /^\d\d/, most: 59 },
];

const ranges: Readonly<Record<string, string>> = {
  "01": "month",
  "15": "hour",
  "04": "minute",
  "05": "second",
};

function inRange(value: number, name: string, most: number): boolean {
  return value <= most && (name !== "01" || value > 0);
}

function withFraction(
  text: string,
  rest: string,
  found: Readonly<Record<string, string>>,
): ReadTime {
  const fraction = /^[.,](\d+)/.exec(rest);
  const decimals = (fraction?.[1] ?? "").slice(0, 9).replace(/0+$/, "");
  const zone = rest.slice(fraction?.[0].length ?? 0);
  const offset = readOffset(text, zone);
  if ("failure" in offset) return offset;
  const { "2006": year, "01": month, "02": day, "15": hour, "04": minute, "05": second } = found;
  if (!isDay(Number(year), Number(month), Number(day))) return outOfRange(text, "day");
  const clock = `${hour?.padStart(2, "0")}:${minute}:${second}`;
  const point = decimals === "" ? "" : ".";
  return { time: `${year}-${month}-${day}T${clock}${point}${decimals}${offset.time}` };
}

function readOffset(text: string, zone: string): ReadTime {
  const match = /^(?:Z|([+-])(\d\d):(\d\d))/.exec(zone);
  if (match === null) return cannotParse(text, zone, "Z07:00");
  const [whole, sign, hours = "0", minutes = "0"] = match;
  if (Number(hours) > 24) return outOfRange(text, "time zone offset hour");
  if (Number(minutes) > 60) return outOfRange(text, "time zone offset minute");
  const rest = zone.slice(whole.length);
  if (rest !== "") return { failure: `${parsing(text)}: extra text: ${quote(rest)}` };
  const total = Number(hours) * 60 + Number(minutes);
  if (total === 0) return { time: "Z" };
  const two = (value: number) => String(value).padStart(2, "0");
  return { time: `${sign}${two(Math.floor(total / 60))}:${two(total % 60)}` };
}

function isDay(year: number, month: number, day: number): boolean {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return day >= 1 && day <= (days[month - 1] ?? 0);
}

function parsing(text: string): string {
  return `parsing time ${quote(text)}`;
}

function cannotParse(text: string, rest: string, element: string): ReadTime {
  return {
    failure: `${parsing(text)} as "${layout}": cannot parse ${quote(rest)} as "${element}"`,
  };
}

function outOfRange(text: string, what: string): ReadTime {
  return { failure: `${parsing(text)}: ${what} out of range` };
}

/** As Go's time package quotes: byte by byte. */
function quote(text: string): string {
  const quoted = Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === "\\") return `\\${character}`;
    const plain = byte >= 0x20 && byte < 0x80;
    return plain ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `"${quoted.join("")}"`;
}
