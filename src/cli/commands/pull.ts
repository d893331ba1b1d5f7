import { resolveShortName } from "../../config/short-names.ts";
import { type DockerReference, formatDockerReference } from "../../core/docker-reference.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import { TransportError } from "../../transport/contract/errors.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import { type Bringing, type BroughtImage, bringAll, bringNamed } from "../local/bring-images.ts";
import { transportIn } from "../local/image-names.ts";
import { openLocal } from "../local/open-local.ts";
import { wantedPlatform } from "../local/wishes.ts";
import { withRetries } from "../retry.ts";
import { endSettings } from "../settings.ts";

/** `pull IMAGE…`: images from registries or other places into the local store; their IDs are printed. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, globals, terminal } = context;
  if (args.length === 0)
    throw new UsageError("usage.bad-flag", "requires at least 1 arg(s), only received 0");
  const parts = await context.parts();
  const gate = await withPrefix("Error loading trust policy", () => parts.gate());
  const platform = wantedPlatform(context, parts.platform);
  const settings = endSettings(flags, globals, "");
  const end = await parts.end(settings);
  const { store, rules } = await openLocal(context, "change");
  const bringing: Bringing = { context, end, gate, store, platform };
  for (const name of args) {
    const references = transportIn(name) === undefined ? resolveShortName(name, rules) : undefined;
    const brought = await withRetries(context, settings, () =>
      references ? pullFirst(bringing, references) : pullFrom(bringing, name),
    );
    for (const { id } of brought) await terminal.out(`${id}\n`);
  }
}

/** The first of what a short name may stand for that is there. */
async function pullFirst(
  bringing: Bringing,
  references: readonly DockerReference[],
): Promise<readonly BroughtImage[]> {
  const failures: KnownError[] = [];
  for (const reference of references) {
    try {
      return await pullFrom(bringing, `docker://${formatDockerReference(reference)}`);
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      bringing.context.signal.throwIfAborted();
      failures.push(error);
    }
  }
  const [only] = failures;
  if (only && failures.length === 1) throw only;
  const told = failures.map(({ message }) => `\t* ${message}`).join("\n");
  throw new TransportError(
    "transport.image-not-found",
    `${failures.length} errors occurred while pulling:\n${told}`,
    { cause: failures.at(-1), retryable: failures.some(({ retryable }) => retryable) },
  );
}

async function pullFrom(bringing: Bringing, text: string): Promise<readonly BroughtImage[]> {
  const { context, end } = bringing;
  const { signal } = context;
  const from = await withPrefix(`Invalid source name ${text}`, () =>
    end.resolve(text, "source", { signal }),
  );
  const { transport, docker } = from.reference;
  if (transport === "containers-storage")
    throw new UsageError("usage.bad-reference", `${text}: the image is in a local store already`);
  if (docker && (transport === "docker" || transport === "atomic" || transport === "docker-daemon"))
    return [await bringNamed(bringing, from, storedName(docker))];
  return await bringAll(bringing, from);
}

/** With a tag or a digest, never with both: that is how podman finds it again. */
function storedName({ domain, path, tag, digest }: DockerReference): string {
  if (digest !== undefined) return `${domain}/${path}@${digest}`;
  return `${domain}/${path}:${tag ?? "latest"}`;
}
