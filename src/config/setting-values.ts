import { isAbsolute } from "node:path";
import * as z from "zod";
import { isNameOrDomain } from "../core/docker-reference.ts";

// Every message goes on from "expected": `cache.max-bytes: expected a size such as 512MiB or 50GiB`.

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  k: 1000,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** `500ms`, `60s`, `5m`, `24h`, `7d`, or 0; becomes milliseconds. */
export const duration = () =>
  measured("a duration such as 60s, 5m or 24h", (text) =>
    text === "0" ? 0 : amount(text, durationUnits),
  );

/** `512MiB`, `50GiB`, `4MB`, or a number of bytes; becomes bytes. */
export const size = () =>
  measured("a size such as 512MiB or 50GiB", (text) => amount(text, sizeUnits));

/** `80%`; becomes a number from 0 to 1. */
export const percentage = () =>
  measured("a percentage such as 80%", (text) => {
    const value = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text)?.[1];
    return value === undefined || Number(value) > 100 ? undefined : Number(value) / 100;
  });

/** A whole number of things, 0 included. */
export const count = () => {
  const error = "expected a whole number";
  return z.int({ error }).min(0, { error });
};

/** A file or folder; what the configuration file says is seen from that file's folder. */
export const filePath = () =>
  z
    .string({ error: "expected a path" })
    .min(1, { error: "expected a path" })
    .refine((path) => !path.includes("\0"), { error: "expected a path" })
    .meta({ path: true });

/** A text that may look like a number: a tag is `3.10`, quoted or not. */
export const writtenText = (error: string) =>
  z.string({ error }).min(1, { error }).meta({ asWritten: true });

/** `http` or `https`, with no user and no query in it; becomes a text without a slash at its end. */
export const httpUrl = () =>
  parsed("a URL that begins with http:// or https://", (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password;
    return isPlain && !url.search && !url.hash ? text.replace(/\/+$/, "") : undefined;
  });

/** Where a registry is: whatever path there were would count for nothing, since its API is at `/v2/`. */
export const originUrl = () =>
  parsed("a URL without a path, such as https://registry.example:5000", (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password;
    return isPlain && !url.search && !url.hash && url.pathname === "/" ? url.origin : undefined;
  });

/** A registry's name as images' names begin with it: `registry.example`, `localhost:5000`. */
export const domain = () =>
  parsed("a host name, with a port if need be, such as registry.example", (text) =>
    !text.includes("/") && isNameOrDomain(text) ? text : undefined,
  );

/** Where to listen. */
export type ListenAddress =
  | { readonly type: "tcp"; readonly host: string; readonly port: number }
  | { readonly type: "unix"; readonly path: string };

/** `HOST:PORT`, `[::1]:5000`, `:5000` for every address, `unix:/run/x.sock`. */
export const listenAddress = () =>
  parsed("HOST:PORT, or unix:PATH with the whole path", parseListenAddress);

/** Undefined where it is none. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const path = /^unix:(.*)$/s.exec(text)?.[1];
  if (path !== undefined) {
    const fits = isAbsolute(path) && Buffer.byteLength(path) < 108 && !path.includes("\0");
    return fits ? { type: "unix", path } : undefined;
  }
  const [, six, host = "", port = ""] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]*)):(\d{1,5})$/.exec(text) ?? [];
  if (port === "" || Number(port) > 65_535) return undefined;
  return { type: "tcp", host: six ?? (host || "::"), port: Number(port) };
}

function measured(what: string, parse: (text: string) => number | undefined) {
  const error = `expected ${what}`;
  return z.union([z.string(), z.number()], { error }).transform((value, context) => {
    const number = parse(String(value));
    if (number !== undefined && Number.isSafeInteger(Math.ceil(number))) return number;
    context.issues.push({ code: "custom", input: value, message: error });
    return z.NEVER;
  });
}

function parsed<T>(what: string, parse: (text: string) => T | undefined) {
  const error = `expected ${what}`;
  return z.string({ error }).transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.issues.push({ code: "custom", input: text, message: error });
    return z.NEVER;
  });
}

function amount(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit = ""] = /^(\d{1,15}(?:\.\d{1,3})?)([A-Za-z]*)$/.exec(text) ?? [];
  if (digits === undefined || !Object.hasOwn(units, unit)) return undefined;
  return Math.round(Number(digits) * (units[unit] ?? Number.NaN));
}
