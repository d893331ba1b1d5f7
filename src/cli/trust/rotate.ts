import type { Gate } from "../../../policy/gate.ts";
import { loadPolicyFile } from "../../config/load-policy-file.ts";
import { UsageError } from "../../core/errors.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { CommandContext } from "../context.ts";
import { CliError, withPrefix } from "../errors.ts";
import type { End, ResolvedImage } from "../parts.ts";
import { endSettings } from "../settings.ts";
import { openSigning } from "../signers.ts";
import { imagesNamed } from "./images-named.ts";
import { judgeImage } from "./judge.ts";
import { type KeyFile, loadKeyFile } from "./key-file.ts";
import {
  changePolicy,
  formatPolicyDocument,
  type PolicyDocument,
  parsePolicyDocument,
} from "./policy-document.ts";
import { acceptBoth, acceptOnlyNew } from "./replace-key.ts";
import { signInPlace } from "./sign-in-place.ts";

/** How an image stands between the keys. */
type Standing =
  /** Admitted without the old key. */
  | "new"
  /** Admitted by the old key alone. */
  | "old-only"
  /** Signed anew just now; not seen yet where clients look. */
  | "unpublished"
  /** Admitted by neither. */
  | "refused";

interface Rotated {
  readonly image: string;
  readonly standing: Standing;
  readonly signed: boolean;
}

/** `trust rotate OLD NEW [IMAGE…]`: both keys first, then new signatures, then the new key alone. */
export async function rotate(context: CommandContext): Promise<void> {
  const { args, flags, log, settings, signal, terminal } = context;
  const [oldName, newName, ...names] = args;
  if (oldName === undefined || newName === undefined)
    throw bad("Two key files expected: the old one, and the new one");
  const { environment } = await context.parts();
  const old = loadKeyFile(oldName, environment.cwd);
  const next = loadKeyFile(newName, environment.cwd);
  if (old.kind !== next.kind) throw bad("Cannot replace a key by one of another kind");
  if (old.path === next.path || Buffer.compare(old.bytes, next.bytes) === 0)
    throw bad("Cannot replace a key by itself");
  const due = isDue(flags.string("cut-over"), new Date());
  const { path, bytes } = loadPolicyFile(environment, settings.policyPath);
  const both = acceptBoth(parsePolicyDocument(bytes, path), old, next);
  const only = acceptOnlyNew(both.document, old, next);
  if (only.changed === 0) return await tellNothingToDo(context, path, old);
  if (both.changed > 0)
    await changePolicy(path, (document) => acceptBoth(document, old, next).document, { signal });
  const images = await lookAtImages(context, names, {
    path,
    both: both.document,
    only: only.document,
  });
  const left = images.filter(
    ({ standing }) => standing === "old-only" || standing === "unpublished",
  );
  const cut = due === true && (left.length === 0 || flags.bool("force"));
  if (cut)
    await changePolicy(path, (document) => acceptOnlyNew(document, old, next).document, { signal });
  const report = { policy: path, added: both.changed, images, cutOver: cut };
  if (flags.bool("json") || log.isJson)
    await terminal.out(`${JSON.stringify(report, undefined, 4)}\n`);
  else await terminal.out(text(report, { old, next, due, date: flags.string("cut-over") }));
  if (due !== true || cut) return;
  throw new CliError(
    "cli.conflict",
    `Cannot cut over: ${left.length} of ${images.length} images are admitted by the old key only`,
    { hint: "Sign them with --sign-by and the new key, or pass --force" },
  );
}

async function tellNothingToDo(
  { flags, log, terminal }: CommandContext,
  path: string,
  old: KeyFile,
): Promise<void> {
  const report = { policy: path, added: 0, images: [], cutOver: false };
  const json = flags.bool("json") || log.isJson;
  await terminal.out(
    json
      ? `${JSON.stringify(report, undefined, 4)}\n`
      : `${path} does not name ${old.path}: nothing to do\n`,
  );
}

/** Undefined where no cut-over is asked for. */
function isDue(text: string, now: Date): boolean | undefined {
  if (text === "") return undefined;
  if (text === "now") return true;
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  // JavaScript takes the 30th of February for the 2nd of March.
  if (!date || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text))
    throw bad(`invalid --cut-over ${JSON.stringify(text)}: use YYYY-MM-DD, or now`);
  return date <= now;
}

interface Policies {
  readonly path: string;
  readonly both: PolicyDocument;
  readonly only: PolicyDocument;
}

async function lookAtImages(
  context: CommandContext,
  names: readonly string[],
  { path, both, only }: Policies,
): Promise<readonly Rotated[]> {
  if (names.length === 0) return [];
  const { flags, globals } = context;
  const parts = await context.parts();
  const gates = {
    both: parts.gateOf({ path, bytes: Buffer.from(formatPolicyDocument(both)) }),
    only: parts.gateOf({ path, bytes: Buffer.from(formatPolicyDocument(only)) }),
  };
  await using signing = await openSigning(context);
  const end = await parts.end(endSettings(flags, globals, ""));
  const rotated: Rotated[] = [];
  for (const image of await imagesNamed(context, end, names)) {
    const name = formatImageReference(image.reference);
    const before = await standingOf(context, image, gates);
    if (before !== "old-only" || signing.signers.length === 0) {
      rotated.push({ image: name, standing: before, signed: false });
      continue;
    }
    await withPrefix(`signing ${name}`, () =>
      signInPlace(context, {
        end,
        image,
        signers: signing.signers,
        directory: flags.string("directory"),
      }),
    );
    const after = await standingOf(context, await again(context, end, name), gates);
    const standing = after === "old-only" ? "unpublished" : after;
    rotated.push({ image: name, standing, signed: true });
  }
  return rotated;
}

function again({ signal }: CommandContext, end: End, name: string): Promise<ResolvedImage> {
  return end.resolve(name, "source", { signal });
}

async function standingOf(
  context: CommandContext,
  image: ResolvedImage,
  gates: { readonly both: Gate; readonly only: Gate },
): Promise<Standing> {
  const isAdmitted = async (gate: Gate) => {
    const { signal } = context;
    const { platform } = await context.parts();
    const { images } = await judgeImage({ gate, image, platform, every: true, signal });
    return images.every(({ verdict }) => verdict.allowed);
  };
  if (await isAdmitted(gates.only)) return "new";
  return (await isAdmitted(gates.both)) ? "old-only" : "refused";
}

const SAID: Readonly<Record<Standing, string>> = {
  new: "needs the old key no more",
  "old-only": "signed by the old key only",
  unpublished: "signed anew, and not to be seen yet where clients look: publish the staging folder",
  refused: "refused with either key",
};

function text(
  report: {
    readonly policy: string;
    readonly added: number;
    readonly images: readonly Rotated[];
    readonly cutOver: boolean;
  },
  about: {
    readonly old: KeyFile;
    readonly next: KeyFile;
    readonly due: boolean | undefined;
    readonly date: string;
  },
): string {
  const { policy, added, images, cutOver } = report;
  const places = `${added} ${added === 1 ? "requirement" : "requirements"}`;
  const lines = [
    added > 0
      ? `${policy} accepts ${about.next.path} besides ${about.old.path} now, in ${places}`
      : `${policy} accepts both keys`,
    ...images.map(({ image, standing, signed }) => {
      const anew = signed && standing === "new" ? "signed anew" : SAID[standing];
      return `${image}: ${anew}`;
    }),
  ];
  if (cutOver) lines.push(`${policy} accepts ${about.old.path} no more`);
  if (about.due === false) lines.push(`The old key stays until ${about.date}`);
  return `${lines.join("\n")}\n`;
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
