import { join } from "node:path";
import type { OpenAuditLog } from "../../server/audit/open-audit-log.ts";
import type { AssemblyBase } from "./assemble-server.ts";

/** The audit log, unless it is switched off. @throws {ServerError} `server.bad-audit-log` */
export async function assembleAudit({
  settings,
  report,
  now,
}: AssemblyBase): Promise<OpenAuditLog | undefined> {
  const { off, file, maxBytes, keep } = settings.audit;
  if (off) return undefined;
  const { openAuditLog } = await import("../../server/audit/open-audit-log.ts");
  const path = file ?? join(settings.data, "audit", "audit.jsonl");
  return await openAuditLog({ file: path, maxBytes, keep, now, report });
}
