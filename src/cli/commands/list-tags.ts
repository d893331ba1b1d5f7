import { parseDockerReference } from "../../core/docker-reference.ts";
import { type KnownError, UsageError } from "../../core/errors.ts";
import { goIndent, goString } from "../../core/go-json.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import { UsageWithHelp, withPrefix } from "../errors.ts";
import { transportIn } from "../local/image-names.ts";
import { withRetries } from "../retry.ts";
import { type EndSettings, endSettings } from "../settings.ts";

/** `list-tags docker://NAME`: the repository and its tags, as JSON; of an archive the names of its images. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, globals, signal, terminal } = context;
  const [name] = args;
  if (name === undefined || args.length !== 1)
    throw new UsageWithHelp("Exactly one non-option argument expected");
  const settings = endSettings(flags, globals, "");
  if (transportOf(name) === "docker-archive") return await listArchive(context, name, settings);
  const repository = repositoryOf(name);
  const parts = await context.parts();
  const end = await parts.end(settings);
  const { transport, reference } = await end.resolve(`docker://${repository}`, "source", {
    signal,
  });
  const tags = await withRetries(context, settings, () =>
    withPrefix(whatFailed, async () => transport.listTags?.(reference, { signal })),
  );
  const json = `{"Repository":${goString(repository)},"Tags":${listOf(tags ?? [])}}`;
  await terminal.out(`${goIndent(json, "    ")}\n`);
}

async function listArchive(
  context: CommandContext,
  name: string,
  settings: EndSettings,
): Promise<void> {
  const { signal, terminal } = context;
  const end = await (await context.parts()).end(settings);
  const { transport, reference } = await end.resolve(name, "source", { signal });
  const names = (await transport.listTags?.(reference, { signal })) ?? [];
  const list = names.length === 0 ? "null" : listOf(names);
  await terminal.out(`${goIndent(`{"Tags":${list}}`, "    ")}\n`);
}

/** What is set wrong keeps skopeo from making its client, and it says so. */
function whatFailed({ code }: KnownError): string {
  const failed = "Error listing repository tags";
  return code.startsWith("config.") ? `${failed}: failed to create client` : failed;
}

function listOf(tags: readonly string[]): string {
  return `[${tags.map((tag) => goString(tag)).join(",")}]`;
}

/** @throws {UsageError} `usage.bad-reference` */
function transportOf(name: string): string {
  const transport = transportIn(name);
  if (transport !== undefined) return transport;
  throw bad(`Invalid ${goQuote(name)}: does not specify a transport`);
}

/** The repository's full name. @throws {UsageError} `usage.bad-reference` */
function repositoryOf(name: string): string {
  const transport = transportOf(name);
  if (transport !== "docker")
    throw bad(
      `Unsupported transport '${transport}' for tag listing. Only supported: docker, docker-archive`,
    );
  if (!name.startsWith("docker://"))
    throw bad(`docker: image reference ${name} does not start with docker://`);
  const { domain, path, tag, digest } = parseDockerReference(name.slice("docker://".length));
  if (tag !== undefined || digest !== undefined) throw bad("No tag or digest allowed in reference");
  return `${domain}/${path}`;
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-reference", message);
}
