import { join } from "node:path";
import type { Access } from "../../server/access.ts";
import type { AuditLog } from "../../server/audit.ts";
import type { Report } from "../../server/server-event.ts";
import { credentialsOf } from "../../server/shell/credentials-of.ts";
import { asksItself, type Face } from "../../server/shell/faces.ts";
import {
  createServedSignatures,
  type SignaturesService,
} from "../../server/signatures/create-served-signatures.ts";
import type { SignaturesEvent } from "../../server/signatures/events.ts";
import { lookasideFace } from "../../server/signatures/lookaside-face.ts";
import { signaturesApiFace } from "../../server/signatures/signatures-api-face.ts";
import { RegistryAnswerError } from "../../server/v2/answer-error.ts";
import type { V2Parts } from "../../server/v2/parts.ts";
import type { AssembledBackends, AssemblyBase } from "./assemble-server.ts";
import type { FaceName } from "./face-names.ts";

/** What signatures are joined with. */
export interface SignaturesContext extends AssembledBackends {
  readonly route: V2Parts["route"];
  readonly access: Access;
  readonly audit: AuditLog | undefined;
  readonly only: FaceName | undefined;
}

/** The one store of signatures, and its faces. */
export function assembleSignatures(
  { settings, report, now }: AssemblyBase,
  { route, access, audit, only }: SignaturesContext,
): SignaturesService & { readonly faces: readonly Face[] } {
  const folder = join(settings.data, "signatures");
  const tellOf = (event: SignaturesEvent) => tell(report, event);
  const signatures = createServedSignatures({ folder, now, report: tellOf });
  const parts = {
    signatures,
    domain: settings.name,
    route: ({ path, ns, host }: { path: string; ns?: string; host?: string }) => {
      const found = route({ path, namespace: ns, host });
      if (found instanceof RegistryAnswerError) throw found;
      return found;
    },
    access,
    report: tellOf,
    credentialsOf: ({ raw }: { raw: Parameters<typeof credentialsOf>[0] }) => credentialsOf(raw),
    ...(audit && { audit }),
  };
  const base = only === "signatures" ? "" : "/sigstore";
  const faces: readonly Face[] =
    only === undefined || only === "signatures"
      ? [wrapped(lookasideFace({ ...parts, base })), wrapped(signaturesApiFace(parts))]
      : [wrapped(signaturesApiFace(parts))];
  return { ...signatures, faces };
}

/** These read bodies and find out callers in their own way. */
function wrapped(plugin: ReturnType<typeof lookasideFace>): Face {
  return asksItself(async (app) => void (await plugin(app, {})));
}

function tell(report: Report, event: SignaturesEvent): void {
  switch (event.type) {
    case "signatures-asked": {
      if (event.result === "answered") return;
      const { where, result, message = "" } = event;
      const fields = { where, result, message };
      report({ type: "message", level: "warn", text: "signatures were not to be had", fields });
      break;
    }
    case "signatures-dropped": {
      const { type: _, ...fields } = event;
      report({ type: "message", level: "warn", text: "signatures are not given out", fields });
      break;
    }
    case "signatures-served":
      break;
  }
}
