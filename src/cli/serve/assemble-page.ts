import type { Access } from "../../server/access.ts";
import { pageFace } from "../../server/page/page-face.ts";
import { withSessions } from "../../server/page/session-access.ts";
import { sessionFace } from "../../server/page/session-face.ts";
import { createSessions } from "../../server/page/sessions.ts";
import type { Face } from "../../server/shell/faces.ts";
import type { AssemblyBase } from "./assemble-server.ts";

/** What browsers use. */
export interface AssembledPage {
  /** Access that knows who logged in at the page; for `/api/v1`, not for the registry. */
  readonly access: Access;
  readonly faces: readonly Face[];
}

/** The page, and logging in at it. */
export function assemblePage(
  { settings, context, now }: Pick<AssemblyBase, "settings" | "context" | "now">,
  access: Access,
): AssembledPage {
  const sessions = createSessions((user) => access.secretOf?.(user), now);
  const known = withSessions(access, sessions);
  const { name } = settings;
  return {
    access: known,
    faces: [pageFace(), sessionFace({ access: known, sessions, name, version: context.version })],
  };
}
