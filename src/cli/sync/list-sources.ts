import { readFile } from "node:fs/promises";
import { fileErrorText } from "../../config/load-file.ts";
import type { Coordinator } from "../../sync/coordinator.ts";
import type { CommandContext } from "../context.ts";
import { CliError } from "../errors.ts";
import type { End } from "../parts.ts";
import type { EndSettings } from "../settings.ts";
import { dockerSource } from "./docker-source.ts";
import { folderSource } from "./folder-source.ts";
import type { RegistryWish } from "./skopeo-yaml.ts";
import type { Listing } from "./sources.ts";
import type { TellSync } from "./tell.ts";
import type { SyncWords } from "./words.ts";

/** Some of it was told of already; the exit status says so too. */
export function incomplete(): CliError {
  return new CliError(
    "cli.mirror-incomplete",
    "Sync failed due to previous reported error(s) for one or more images",
  );
}

/** What sources are opened with. */
export interface SourceReach {
  /** Of the source's registries, where a file says no other. */
  readonly settings: EndSettings;
  readonly coordinator: Coordinator;
}

/** What is to be copied, found as skopeo finds it: all of it, before the first is copied. */
export async function listSources(
  context: CommandContext,
  { from }: SyncWords,
  reach: SourceReach,
  tell: TellSync,
): Promise<Listing> {
  const parts = await context.parts();
  if (from.transport === "yaml") {
    const { readSkopeoYaml } = await import("./skopeo-yaml.ts");
    const registries = readSkopeoYaml(await readText(from.text), from.text);
    return await listYaml(context, registries, reach, tell);
  }
  const end = await parts.end(reach.settings, undefined, reach.coordinator);
  const list = from.transport === "dir" ? folderSource : dockerSource;
  return { sources: [await list(context, end, from.text, tell)], isIncomplete: false };
}

async function listYaml(
  context: CommandContext,
  registries: readonly RegistryWish[],
  { settings, coordinator }: SourceReach,
  tell: TellSync,
): Promise<Listing> {
  const { tagChoice } = await import("./tag-choice.ts");
  const { checkWishes, yamlSources } = await import("./yaml-source.ts");
  const { wishes, isBad } = checkWishes(registries, tagChoice, tell);
  if (isBad) throw incomplete();
  const ends = new Map<string, Promise<End>>();
  const parts = await context.parts();
  const endOf = (name: string) => {
    const wish = registries.find((each) => each.name === name);
    const end = ends.get(name) ?? parts.end(settingsOf(wish, settings), undefined, coordinator);
    ends.set(name, end);
    return end;
  };
  return await yamlSources(context, wishes, endOf, tell);
}

/** The file's word over the command line's. */
function settingsOf(wish: RegistryWish | undefined, settings: EndSettings): EndSettings {
  const { credentials, tlsVerify, certificateDirectory } = wish ?? {};
  return {
    ...settings,
    ...(credentials && { credentials }),
    ...(tlsVerify !== undefined && { tlsVerify }),
    ...(certificateDirectory !== undefined && { certificateDirectory }),
  };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new CliError("cli.unreadable", fileErrorText(error, "open", file), { cause: error });
  }
}
