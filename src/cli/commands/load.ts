import { fstatSync, statSync } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { fileErrorText } from "../../config/load-file.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import { CliError, withPrefix } from "../errors.ts";
import { type Bringing, type BroughtImage, bringAll } from "../local/bring-images.ts";
import { openLocal } from "../local/open-local.ts";
import { localEnd } from "../settings.ts";

/** `load`: the images of an archive, with their names, into the local store. */
export async function run(context: CommandContext): Promise<void> {
  const { args, terminal } = context;
  if (args.length > 0)
    throw new UsageError("usage.bad-flag", "too many arguments: the archive is named by --input");
  const input = inputOf(context);
  const parts = await context.parts();
  const gate = await withPrefix("Error loading trust policy", () => parts.gate());
  const end = await parts.end(localEnd);
  const { store } = await openLocal(context, "change");
  const bringing: Bringing = { context, end, gate, store, platform: parts.platform };
  const texts = await candidates(input, formatOf(context));
  for (const { id, names } of await loadFrom(bringing, texts)) {
    const told = names.length > 0 ? names : [`sha256:${id}`];
    for (const name of told) await terminal.out(`Loaded image: ${name}\n`);
  }
}

/** A path, and whether it can be read again from its start. */
interface Input {
  readonly path: string;
  readonly kind: "file" | "folder" | "pipe";
}

function inputOf({ flags, terminal }: CommandContext): Input {
  const path = flags.string("input");
  if (path === "") {
    if (terminal.stdin.isTTY)
      throw new UsageError(
        "usage.bad-flag",
        "cannot read from terminal, use command-line redirection or the --input flag",
      );
    return { path: "/dev/stdin", kind: fstatSync(0).isFile() ? "file" : "pipe" };
  }
  if (path.includes(":"))
    throw new UsageError(
      "usage.bad-flag",
      `invalid filename (should not contain ":") ${JSON.stringify(path)}`,
    );
  try {
    const found = statSync(path);
    return { path, kind: found.isDirectory() ? "folder" : found.isFile() ? "file" : "pipe" };
  } catch (error) {
    throw new CliError("cli.unreadable", fileErrorText(error, "stat", path), { cause: error });
  }
}

/** Empty where the bytes are to tell. @throws {UsageError} `usage.bad-flag` */
function formatOf({ flags }: CommandContext): string {
  const format = flags.string("format");
  if (["", "docker-archive", "oci-archive"].includes(format)) return format;
  throw new UsageError(
    "usage.bad-flag",
    `unknown format ${JSON.stringify(format)}. Choose one of: docker-archive, oci-archive`,
  );
}

/** What it may be. A pipe is read once: without a format, it must be what `docker save` and `podman save` write. */
async function candidates({ path, kind }: Input, format: string): Promise<readonly string[]> {
  if (kind !== "folder" && format !== "") return [`${format}:${path}`];
  if (kind === "pipe") return [`docker-archive:${path}`];
  if (kind === "file") return [`docker-archive:${path}`, `oci-archive:${path}`];
  const isLayout = await access(join(path, "index.json")).then(
    () => true,
    () => false,
  );
  return [isLayout ? `oci:${path}` : `dir:${path}`];
}

/** By the first reading that the bytes are fit for. */
async function loadFrom(
  bringing: Bringing,
  texts: readonly string[],
): Promise<readonly BroughtImage[]> {
  const failures: { readonly text: string; readonly error: KnownError }[] = [];
  const { signal } = bringing.context;
  for (const text of texts) {
    try {
      const from = await bringing.end.resolve(text, "source", { signal });
      return await bringAll(bringing, from);
    } catch (error) {
      if (!(error instanceof KnownError) || !isOtherKind(error)) throw error;
      failures.push({ text, error });
    }
  }
  const [first] = failures;
  const told = failures.map(({ text, error }) => ` * ${text.split(":", 1)}: ${error.message}`);
  throw new CliError(
    "cli.unreadable",
    `payload does not match any of the supported image formats:\n${told.join("\n")}`,
    { cause: first?.error, ...(first?.error.hint && { hint: first.error.hint }) },
  );
}

/** The archive is none of this kind; any other failure is one of its own. */
function isOtherKind({ code }: KnownError): boolean {
  return /^(?:docker-tar|archive|tar|layout)\./.test(code) || code === "usage.bad-reference";
}
