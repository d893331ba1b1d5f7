import { type Digest, isDigest } from "../../core/digest.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { Backend, ManifestReference } from "../v2/backend.ts";

/** Takes note that what is attached to a manifest has changed, or to any of them. */
export type NoteAttachments = (repository: ServedRepository, manifest: Digest | undefined) => void;

/** The same backend, which tells when a manifest gets or loses what `backendOrigin` reads. */
export function watchAttachments(backend: Backend, note: NoteAttachments): Backend {
  const putManifest: Backend["putManifest"] = async (repository, put, call) => {
    const kept = await backend.putManifest(repository, put, call);
    for (const subject of [kept.subject, ...put.tags.map(subjectOfTag)]) {
      if (subject) note(repository, subject);
    }
    return kept;
  };
  const deleteManifest: Backend["deleteManifest"] = async (repository, reference, call) => {
    const deleted = await backend.deleteManifest(repository, reference, call);
    if (deleted) noteDeletion(note, repository, reference);
    return deleted;
  };
  const watched: Partial<Backend> = { putManifest, deleteManifest };
  return new Proxy(backend, {
    get(target, name) {
      const value = Reflect.get(watched, name) ?? Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** What was deleted by its digest may have been attached to anything. */
function noteDeletion(
  note: NoteAttachments,
  repository: ServedRepository,
  reference: ManifestReference,
): void {
  if (reference.type === "digest") {
    note(repository, undefined);
    return;
  }
  const subject = subjectOfTag(reference.tag);
  if (subject) note(repository, subject);
}

/** `sha256-<hex>.sig` is of `sha256:<hex>`. */
function subjectOfTag(tag: string): Digest | undefined {
  const digest = /^([a-z0-9]+-[0-9a-f]+)\.sig$/.exec(tag)?.[1]?.replace("-", ":") ?? "";
  return isDigest(digest) ? digest : undefined;
}
