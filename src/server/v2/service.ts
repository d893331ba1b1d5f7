import type { Access } from "../access.ts";
import type { AuditEvent } from "../audit.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import { BufferPool } from "./buffer-pool.ts";
import type { Exchange } from "./exchange.ts";
import { openAccess } from "./open-access.ts";
import { usualV2Limits, type V2Limits, type V2Parts } from "./parts.ts";

/** The parts with what stands for those not given: what every handler works with. */
export interface Service {
  readonly parts: V2Parts;
  readonly access: Access;
  readonly limits: V2Limits;
  readonly buffers: BufferPool;
}

/** Fills in what is not given. */
export function createService(parts: V2Parts): Service {
  const limits = { ...usualV2Limits, ...parts.limits };
  const access = parts.access ?? openAccess;
  return { parts, access, limits, buffers: new BufferPool(limits.bufferBytes) };
}

/** Notes in the audit log what has been done, by whom. */
export function note(
  { parts }: Service,
  { caller }: Exchange,
  repository: ServedRepository,
  event: AuditEvent,
): void {
  if (parts.audit === undefined) return;
  const { user, address } = caller;
  parts.audit.note({
    ...event,
    ...(user !== undefined && { user }),
    address,
    repository: servedName(repository),
  });
}
