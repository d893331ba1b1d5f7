import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import { withoutPassword } from "../../../sigstore/lookaside/layout.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { CopyEnd } from "../../copy/copy.ts";
import {
  type ChoosePlace,
  copySignatures,
  type ListedSignatures,
  listSignatures,
} from "../../copy/signatures.ts";
import { UsageError } from "../../core/errors.ts";
import { escapeControls } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import { UsageWithHelp, withPrefix } from "../errors.ts";
import { endSettings } from "../settings.ts";
import type { Side } from "../specs/groups.ts";

const kinds: readonly string[] = ["api", "lookaside", "attachments", "folder"];

/** `signatures list|copy|migrate|remove`: what is kept of an image's signatures, without the image. */
export async function run(context: CommandContext): Promise<void> {
  switch (context.path.at(-1)?.name) {
    case "list":
      return await list(context);
    case "copy":
      return await bring(context, argumentsOf(context, 2), ["src-", "dest-"]);
    case "migrate":
      return await migrate(context);
    case "remove":
      return await remove(context);
  }
}

async function list(context: CommandContext): Promise<void> {
  const [name = ""] = argumentsOf(context, 1);
  const image = await imageOf(context, name, "", "source");
  const listed = await listSignatures(image, selection(context), chosen(context, "from"));
  const rows = (await Promise.all(listed.map(rowsOf))).flat();
  const { terminal, flags } = context;
  if (flags.bool("json")) return await terminal.out(`${JSON.stringify(rows, undefined, 4)}\n`);
  for (const manifest of new Set(rows.map((row) => row.manifest))) {
    const lines = rows.filter((row) => row.manifest === manifest).map(lineOf);
    await terminal.out(`${[manifest, ...lines].map(escapeControls).join("\n")}\n`);
  }
}

interface Row {
  readonly manifest: string;
  readonly place: string;
  readonly where: string;
  /** In its place, from 1. */
  readonly number: number;
  readonly format: UntrustedSignature["format"];
  readonly mediaType?: string;
  readonly bytes: number;
  /** What the signature says of itself. */
  readonly untrusted: {
    readonly keyId?: string;
    readonly dockerReference?: string;
    readonly signedAt?: string;
  };
}

async function rowsOf({ manifest, place, signatures }: ListedSignatures): Promise<Row[]> {
  const verifiers = createVerifiers({ now: () => new Date() });
  return await Promise.all(
    signatures.map(async (signature, index) => {
      const { keyId, dockerReference, signedAt } = await verifiers.describe(signature);
      const { format } = signature;
      return {
        manifest,
        place: place.kind,
        where: place.where,
        number: index + 1,
        format,
        ...(format === "sigstore" && { mediaType: signature.mediaType }),
        bytes: (format === "sigstore" ? signature.payload : signature.bytes).byteLength,
        untrusted: {
          ...(keyId !== undefined && { keyId }),
          ...(dockerReference !== undefined && { dockerReference }),
          ...(signedAt !== undefined && { signedAt: signedAt.toISOString() }),
        },
      };
    }),
  );
}

function lineOf({ number, place, where, format, untrusted }: Row): string {
  const { keyId, dockerReference = "no name", signedAt } = untrusted;
  const claims = [dockerReference, keyId && `key ${keyId}`, signedAt].filter(Boolean).join(", ");
  return `  ${number}  ${format}, says ${claims}  (${place} ${where})`;
}

async function migrate(context: CommandContext): Promise<void> {
  const [name = ""] = argumentsOf(context, 1);
  for (const flag of ["from", "to"] as const) {
    if (!context.flags.changed(flag)) throw new UsageWithHelp(`--${flag} is required`);
  }
  await bring(context, [name, name], ["", ""]);
}

async function bring(
  context: CommandContext,
  [from = "", to = ""]: readonly string[],
  [source, target]: readonly [Side, Side],
): Promise<void> {
  const brought = await copySignatures(
    await imageOf(context, from, source, "source"),
    await imageOf(context, to, target, "destination"),
    selection(context),
    { from: chosen(context, "from"), to: chosen(context, "to") },
  );
  for (const { manifest, signatures, where } of brought) {
    const line = `${manifest}: ${signatures} to ${where.join(" and ")}`;
    await context.terminal.out(`${escapeControls(line)}\n`);
  }
  if (brought.length === 0) context.log.warning(`${from} has no signatures there`);
}

async function remove(context: CommandContext): Promise<void> {
  const { signal } = context;
  const [name = "", number = ""] = argumentsOf(context, 2);
  if (!/^[1-9]\d{0,3}$/.test(number)) throw bad(`"${number}" is no signature's number`);
  if (!context.flags.changed("from")) throw new UsageWithHelp("--from is required");
  const image = await imageOf(context, name, "", "destination");
  const listed = await listSignatures(image, selection(context), chosen(context, "from"));
  const [only, ...others] = listed.filter(({ signatures }) => signatures.length >= Number(number));
  if (!only || others.length > 0) {
    throw bad(only ? "--from names several places" : `There is no signature ${number} there`);
  }
  if (!only.place.remove) throw bad(`${only.place.where} does not let signatures be removed`);
  await only.place.remove(only.manifest, Number(number) - 1, { signal });
}

function argumentsOf({ args }: CommandContext, count: number): readonly string[] {
  if (args.length === count) return args;
  throw new UsageWithHelp(
    count === 1 ? "Exactly one argument expected" : "Exactly two arguments expected",
  );
}

async function imageOf(
  context: CommandContext,
  name: string,
  side: Side,
  as: "source" | "destination",
): Promise<CopyEnd> {
  const { flags, globals, signal } = context;
  const end = await (await context.parts()).end(endSettings(flags, globals, side));
  return await withPrefix(`Invalid ${as} name ${name}`, () => end.resolve(name, as, { signal }));
}

function selection({ flags, signal }: CommandContext) {
  const named = [...placesIn(flags, "from"), ...placesIn(flags, "to")];
  const urls = named.filter((place) => !kinds.includes(place));
  return { signal, urls, all: flags.has("all") && flags.bool("all") };
}

/** Places named by a flag; all where none is. A URL means a look-aside there. */
function chosen({ flags }: CommandContext, flag: "from" | "to"): ChoosePlace {
  const named = placesIn(flags, flag).map(withoutPassword);
  const urls = placesIn(flags, flag === "from" ? "to" : "from").map(withoutPassword);
  return ({ kind, where }) =>
    named.length === 0 ? !urls.includes(where) : named.includes(kind) || named.includes(where);
}

function placesIn(flags: CommandContext["flags"], flag: "from" | "to"): readonly string[] {
  if (!flags.has(flag)) return [];
  const named = flag === "to" ? [flags.string("to")] : flags.strings("from");
  for (const place of named) {
    if (place === "" || kinds.includes(place) || place.includes(":")) continue;
    throw bad(`"${place}" is no place of signatures: name ${kinds.join(", ")}, or a URL`);
  }
  return named.filter((place) => place !== "");
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
