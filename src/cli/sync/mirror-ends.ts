import { readFile } from "../../config/load-file.ts";
import { UsageError } from "../../core/errors.ts";
import type { Coordinator } from "../../sync/coordinator.ts";
import type { MirrorEnd, MirrorEnds } from "../../sync/ends.ts";
import type { HostCredentials, HostSettings } from "../../sync/host-settings.ts";
import type { MirrorDocument } from "../../sync/parse-mirror.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import { type EndSettings, endSettings } from "../settings.ts";
import { requestsAtOnce } from "./mirror-parts.ts";
import { type NewFolders, pathOfPlace } from "./new-folders.ts";

/** What the ends of a run share. */
export interface SharedByEnds {
  readonly coordinator: Coordinator;
  readonly folders: NewFolders;
}

/**
 * The ends of a specification, each opened once: as it says for its host, else as the flags say for a source or, where
 * anything goes there, for a destination.
 */
export function createMirrorEnds(
  context: CommandContext,
  { hosts, mirror }: Pick<MirrorDocument, "hosts" | "mirror">,
  { coordinator, folders }: SharedByEnds,
): MirrorEnds {
  const written = new Set(mirror.rules.map(({ to }) => to.end));
  const known = new Map<string, Promise<MirrorEnd>>();
  const open = async (name: string): Promise<MirrorEnd> => {
    const { flags, globals } = context;
    const base = endSettings(flags, globals, written.has(name) ? "dest-" : "src-");
    const parts = await context.parts();
    const settings = { ...withHost(base, name, hosts.get(name)), requestsAtOnce };
    const end = await parts.end(settings, undefined, coordinator);
    return {
      async resolve(text, as, options) {
        const path = as === "destination" ? pathOfPlace(text) : undefined;
        if (path !== undefined) await folders.makeFor(path);
        return await withPrefix(`Invalid ${as} name ${text}`, () => end.resolve(text, as, options));
      },
    };
  };
  return {
    open(name) {
      const end = known.get(name) ?? open(name);
      known.set(name, end);
      return end;
    },
  };
}

function withHost(base: EndSettings, name: string, host: HostSettings | undefined): EndSettings {
  if (!host) return base;
  const { credentials, tlsVerify, certificateDirectory } = host;
  return {
    ...base,
    ...(credentials && credentialSettings(credentials, name)),
    ...(tlsVerify !== undefined && { tlsVerify }),
    ...(certificateDirectory !== undefined && { certificateDirectory }),
  };
}

function credentialSettings(credentials: HostCredentials, host: string): Partial<EndSettings> {
  switch (credentials.kind) {
    case "password": {
      const { username, password } = credentials;
      return { credentials: { username, password } };
    }
    case "password-file": {
      const password = readFile(credentials.file)
        .toString()
        .replace(/\r?\n$/, "");
      return { credentials: { username: credentials.username, password } };
    }
    case "auth-file":
      return { authFile: credentials.file };
    case "named":
      throw new UsageError(
        "usage.bad-flag",
        `hosts["${host}"].credentials: "${credentials.name}" is for a server, which keeps credentials by name`,
        { hint: "Say username and password-file here, or log in with `amphora login`" },
      );
  }
}
