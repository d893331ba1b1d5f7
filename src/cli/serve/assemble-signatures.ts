import { join } from "node:path";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import type { Access } from "../../server/access.ts";
import type { AuditLog } from "../../server/audit.ts";
import type { Face } from "../../server/shell/faces.ts";
import {
  createServedSignatures,
  type SignaturesService,
} from "../../server/signatures/create-served-signatures.ts";
import { describeFace } from "../../server/signatures/describe-face.ts";
import { reportTo } from "../../server/signatures/events.ts";
import { lookasideFace } from "../../server/signatures/lookaside-face.ts";
import { signaturesApiFace } from "../../server/signatures/signatures-api-face.ts";
import type { V2Parts } from "../../server/v2/parts.ts";
import type { OpenOrigins } from "./assemble-origins.ts";
import type { AssembledBackends, AssemblyBase } from "./assemble-server.ts";
import type { FaceName } from "./face-names.ts";

/** What signatures are joined with. */
export interface SignaturesContext extends AssembledBackends {
  readonly route: V2Parts["route"];
  readonly access: Access;
  readonly audit: AuditLog | undefined;
  readonly only: FaceName | undefined;
  readonly openOrigins: OpenOrigins;
}

/** The one store of signatures, and its faces. */
export function assembleSignatures(
  { settings, report, now }: AssemblyBase,
  { route, access, audit, only, openOrigins }: SignaturesContext,
): SignaturesService & { readonly faces: readonly Face[] } {
  const folder = join(settings.data, "signatures");
  const tellOf = reportTo(report);
  const { freshFor, heldFor, answerWithin } = settings.signatures;
  const signatures = createServedSignatures({
    folder,
    now,
    report: tellOf,
    openOrigins,
    freshForMs: freshFor,
    heldForMs: heldFor,
    timeoutMs: answerWithin,
  });
  const parts = {
    signatures,
    domain: settings.name,
    route,
    access,
    ...(audit && { audit }),
  };
  const verifiers = createVerifiers({ now: () => new Date() });
  const described = describeFace({
    ...parts,
    describe: (signature) => verifiers.describe(signature),
  });
  const base = only === "signatures" ? "" : "/sigstore";
  const faces: readonly Face[] =
    only === undefined || only === "signatures"
      ? [lookasideFace({ ...parts, base }), signaturesApiFace(parts), described]
      : [signaturesApiFace(parts), described];
  return { ...signatures, faces };
}
