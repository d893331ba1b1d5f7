import type { ServedRepository } from "../repository-name.ts";
import { beginUpload, mountBlob } from "./begin-upload.ts";
import { deleteBlob, deleteManifest } from "./delete.ts";
import type { Exchange } from "./exchange.ts";
import { listTags } from "./lists.ts";
import type { RepositoryOperation } from "./operation.ts";
import { pullBlob } from "./pull-blob.ts";
import { pullManifest } from "./pull-manifest.ts";
import { pushManifest } from "./push-manifest.ts";
import { listReferrers } from "./referrers.ts";
import type { Service } from "./service.ts";
import { appendUpload, cancelUpload, finishUpload, readUpload } from "./upload.ts";

type Handler<Type extends RepositoryOperation["type"]> = (
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: Extract<RepositoryOperation, { readonly type: Type }>,
) => Promise<void>;

const handlers: { readonly [Type in RepositoryOperation["type"]]: Handler<Type> } = {
  "read-manifest": pullManifest,
  "put-manifest": pushManifest,
  "delete-manifest": deleteManifest,
  "read-blob": pullBlob,
  "delete-blob": deleteBlob,
  "list-tags": listTags,
  "list-referrers": listReferrers,
  "begin-upload": beginUpload,
  "mount-blob": mountBlob,
  "read-upload": readUpload,
  "append-upload": appendUpload,
  "cancel-upload": cancelUpload,
  "finish-upload": finishUpload,
};

/** Does what a repository is asked for, and answers. */
export function serveOperation(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: RepositoryOperation,
): Promise<void> {
  const handler = handlers[operation.type] as Handler<RepositoryOperation["type"]>;
  return handler(service, exchange, repository, operation as never);
}
