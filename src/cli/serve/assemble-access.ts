import { inFile } from "../../config/setting-shape.ts";
import { localAccess } from "../../server/access/local-access.ts";
import type { AccessSettings } from "../../server/access/settings.ts";
import type { Access } from "../../server/access.ts";
import type { Face } from "../../server/shell/faces.ts";
import type { AssemblyBase } from "./assemble-server.ts";

/** Who may do what, and where tokens are to be had. */
export interface AssembledAccess {
  readonly access: Access;
  readonly faces: readonly Face[];
  /** Reads users again, by other settings; gives what of those is only heeded at the next start. */
  change(settings: AccessSettings | undefined): readonly string[];
}

/** What it takes is loaded where something is configured. */
export async function assembleAccess(
  { settings, report, now }: AssemblyBase,
  opened: AsyncDisposableStack,
): Promise<AssembledAccess> {
  const { access, name, data, limits } = settings;
  if (!access)
    return {
      access: localAccess(),
      faces: [],
      change: (next) => (next ? ["access"] : []),
    };
  const { createAccess } = await import("../../server/access/create-access.ts");
  const perUser = limits.requestsPerUser;
  const perAddress = limits.requestsPerAddress;
  const made = createAccess(access, { name, data, perUser, perAddress, now, report });
  return {
    ...opened.use(made),
    change: (next) =>
      next ? made.change(next).map((member) => `access.${inFile(member)}`) : ["access"],
  };
}
