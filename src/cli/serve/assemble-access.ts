import { inFile } from "../../config/setting-shape.ts";
import type { ListenAddress } from "../../config/setting-values.ts";
import { isThisMachine } from "../../config/this-machine.ts";
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

/** Others are asked for a password that nobody has: that is easily taken for a wrong one. */
const nobodyElse = {
  type: "message",
  level: "warn",
  text: "Whoever is on this machine may do all, and nobody else anything: say in access who may",
} as const;

function isForOthers(place: ListenAddress): boolean {
  return place.type === "tcp" && !isThisMachine(place.host);
}

/** What it takes is loaded where something is configured. */
export async function assembleAccess(
  { settings, report, now }: AssemblyBase,
  opened: AsyncDisposableStack,
): Promise<AssembledAccess> {
  const { access, name, data, limits } = settings;
  if (!access) {
    if (settings.listen.some(isForOthers)) report(nobodyElse);
    return {
      access: localAccess(),
      faces: [],
      change: (next) => (next ? ["access"] : []),
    };
  }
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
