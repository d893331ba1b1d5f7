import { bool, type GoMethod, type GoType, goInt64, goString, int, text } from "./go-type.ts";

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** The parts of an RFC 3339 time, as they stand on the clock of its own offset. */
interface Clock {
  readonly date: Date;
  readonly nanoseconds: number;
  /** "Z" or "+02:00". */
  readonly offset: string;
}

function clockOf(raw: unknown): Clock {
  const text = String(raw);
  const [, seconds = "", fraction = "", offset = "Z"] =
    /^(.{19})(?:\.([0-9]+))?(Z|[+-].*)$/.exec(text) ?? [];
  return { date: new Date(`${seconds}Z`), nanoseconds: Number(fraction.padEnd(9, "0")), offset };
}

/** Seconds since 1970. */
function unixSeconds(raw: unknown): number {
  const { date, offset } = clockOf(raw);
  return Math.floor(date.getTime() / 1000) - offsetSeconds(offset);
}

function offsetSeconds(offset: string): number {
  if (offset === "Z") return 0;
  const [hours = 0, minutes = 0] = offset.slice(1).split(":").map(Number);
  return (offset.startsWith("-") ? -60 : 60) * (hours * 60 + minutes);
}

/** Moves a time to UTC, and by some nanoseconds. */
function moved(raw: unknown, by: bigint): string {
  const total = BigInt(unixSeconds(raw)) * 1_000_000_000n + BigInt(clockOf(raw).nanoseconds) + by;
  const seconds =
    (total - (((total % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n;
  const rest = total - seconds * 1_000_000_000n;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const decimals = String(rest).padStart(9, "0").replace(/0+$/, "");
  return `${whole}${decimals === "" ? "" : `.${decimals}`}Z`;
}

/** As Go's Time.String writes it: `2024-01-02 03:04:05.123 +0000 UTC`. */
export function printTime(raw: unknown): string {
  const text = String(raw);
  const { offset } = clockOf(text);
  const zone =
    offset === "Z" ? "+0000 UTC" : `${offset.replace(":", "")} ${offset.replace(":", "")}`;
  return `${text.replace("T", " ").replace(/(?:Z|[+-]\d\d:\d\d)$/, "")} ${zone}`;
}

/** Go's layout words, the longest first where one begins with another. */
const LAYOUT =
  /January|Jan|Monday|Mon|MST|2006|-07:00|-0700|Z07:00|Z0700|-07|[.,][09]{1,9}(?![0-9])|01|02|03|04|05|06|002|_2|15|PM|pm|1|2|3|4|5/g;

/** Go's Time.Format. */
export function formatTime(raw: unknown, layout: string): string {
  const clock = clockOf(raw);
  return layout.replace(LAYOUT, (word) => layoutWord(word, clock));
}

function layoutWord(word: string, { date, nanoseconds, offset }: Clock): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const hour = date.getUTCHours();
  const plain = offset === "Z" ? "+00:00" : offset;
  const values: Readonly<Record<string, () => string>> = {
    January: () => MONTHS[date.getUTCMonth()] ?? "",
    Jan: () => (MONTHS[date.getUTCMonth()] ?? "").slice(0, 3),
    Monday: () => DAYS[date.getUTCDay()] ?? "",
    Mon: () => (DAYS[date.getUTCDay()] ?? "").slice(0, 3),
    MST: () => (offset === "Z" ? "UTC" : offset.replace(":00", "").replace(":", "")),
    "2006": () => String(date.getUTCFullYear()).padStart(4, "0"),
    "06": () => two(date.getUTCFullYear() % 100),
    "01": () => two(date.getUTCMonth() + 1),
    "1": () => String(date.getUTCMonth() + 1),
    "02": () => two(date.getUTCDate()),
    _2: () => String(date.getUTCDate()).padStart(2, " "),
    "2": () => String(date.getUTCDate()),
    "002": () => String(yearDay(date)).padStart(3, "0"),
    "15": () => two(hour),
    "03": () => two(hour % 12 || 12),
    "3": () => String(hour % 12 || 12),
    "04": () => two(date.getUTCMinutes()),
    "4": () => String(date.getUTCMinutes()),
    "05": () => two(date.getUTCSeconds()),
    "5": () => String(date.getUTCSeconds()),
    PM: () => (hour < 12 ? "AM" : "PM"),
    pm: () => (hour < 12 ? "am" : "pm"),
    "-07:00": () => plain,
    "-0700": () => plain.replace(":", ""),
    "-07": () => plain.slice(0, 3),
    "Z07:00": () => offset,
    Z0700: () => offset.replace(":", ""),
  };
  return values[word]?.() ?? fraction(word, nanoseconds);
}

/** `.000` keeps its zeros, `.999` drops them. */
function fraction(word: string, nanoseconds: number): string {
  const digits = String(nanoseconds)
    .padStart(9, "0")
    .slice(0, word.length - 1);
  const kept = word.includes("9") ? digits.replace(/0+$/, "") : digits;
  return kept === "" ? "" : `${word[0]}${kept}`;
}

function yearDay(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}

function number(read: (clock: Clock) => number): GoMethod {
  return { parameters: [], call: (raw) => int(read(clockOf(raw))) };
}

function nanosecondsSince1970(raw: unknown): bigint {
  return BigInt(unixSeconds(raw)) * 1_000_000_000n + BigInt(clockOf(raw).nanoseconds);
}

function comparing(holds: (a: bigint, b: bigint) => boolean): GoMethod {
  return {
    get parameters() {
      return [goTime];
    },
    call: (raw, [other]) =>
      bool(holds(nanosecondsSince1970(raw), nanosecondsSince1970(other?.raw))),
  };
}

const goDuration: GoType = { name: "time.Duration", kind: "int" };

function named(name: string, words: readonly string[], first: number): GoType {
  return { name, kind: "int", toText: (raw) => words[Number(raw) - first] ?? String(raw) };
}

const goMonth = named("time.Month", MONTHS, 1);
const goWeekday = named("time.Weekday", DAYS, 0);

function time(raw: string) {
  return { type: goTime, raw };
}

/** time.Time, with the methods that a template has a use for. */
export const goTime: GoType = {
  name: "time.Time",
  kind: "struct",
  toText: printTime,
  methods: {
    String: { parameters: [], call: (raw) => text(printTime(raw)) },
    Format: {
      parameters: [goString],
      call: (raw, [layout]) => text(formatTime(raw, String(layout?.raw))),
    },
    Unix: { parameters: [], call: (raw) => ({ type: goInt64, raw: BigInt(unixSeconds(raw)) }) },
    UnixMilli: {
      parameters: [],
      call: (raw) => ({
        type: goInt64,
        raw: BigInt(unixSeconds(raw) * 1000 + Math.floor(clockOf(raw).nanoseconds / 1e6)),
      }),
    },
    UnixNano: {
      parameters: [],
      call: (raw) => ({
        type: goInt64,
        raw: nanosecondsSince1970(raw),
      }),
    },
    UTC: { parameters: [], call: (raw) => time(moved(raw, 0n)) },
    Local: { parameters: [], call: (raw) => time(moved(raw, 0n)) },
    Add: {
      parameters: [goDuration],
      call: (raw, [by]) => time(moved(raw, BigInt(by?.raw as bigint))),
    },
    IsZero: {
      parameters: [],
      call: (raw) => bool(unixSeconds(raw) === -62_135_596_800 && clockOf(raw).nanoseconds === 0),
    },
    Compare: {
      get parameters() {
        return [goTime];
      },
      call: (raw, [other]) => {
        const [a, b] = [nanosecondsSince1970(raw), nanosecondsSince1970(other?.raw)];
        return int(a < b ? -1 : Number(a > b));
      },
    },
    Before: comparing((a, b) => a < b),
    After: comparing((a, b) => a > b),
    Equal: comparing((a, b) => a === b),
    Year: number(({ date }) => date.getUTCFullYear()),
    Day: number(({ date }) => date.getUTCDate()),
    Hour: number(({ date }) => date.getUTCHours()),
    Minute: number(({ date }) => date.getUTCMinutes()),
    Second: number(({ date }) => date.getUTCSeconds()),
    Nanosecond: number(({ nanoseconds }) => nanoseconds),
    YearDay: number(({ date }) => yearDay(date)),
    Month: {
      parameters: [],
      call: (raw) => ({ type: goMonth, raw: BigInt(clockOf(raw).date.getUTCMonth() + 1) }),
    },
    Weekday: {
      parameters: [],
      call: (raw) => ({ type: goWeekday, raw: BigInt(clockOf(raw).date.getUTCDay()) }),
    },
  },
};
