/**
 * The steps from each version of the database to the next: `user_version` counts those taken. Never change one that was
 * released.
 */
export const migrations: readonly string[] = [
  `
  create table repositories (
    id integer primary key,
    name text not null unique,
    -- counts what index.json has to show, and what of that it shows
    revision integer not null default 0,
    indexed integer not null default 0,
    -- counts removals of blobs: whoever has looked whether some are there looks again where it has changed
    swept integer not null default 0
  ) strict;
  create index repositories_stale on repositories (id) where revision <> indexed;

  create table manifests (
    id integer primary key,
    repository integer not null references repositories (id),
    digest text not null,
    media_type text not null,
    size integer not null,
    subject text,
    artifact_type text,
    annotations text,
    -- since when nothing but its age keeps it
    held_at integer not null,
    used_at integer not null,
    -- 1: an upstream has it, it may be evicted
    cached integer not null,
    -- 1: its bytes were pushed as a blob too, and are served as one
    as_blob integer not null,
    unique (repository, digest)
  ) strict;
  create index manifests_by_subject on manifests (repository, subject) where subject is not null;
  create index manifests_by_use on manifests (used_at) where cached = 1;

  create table named (
    digest text not null,
    repository integer not null,
    manifest integer not null references manifests (id),
    size integer not null,
    -- 1: a manifest of an index
    instance integer not null,
    primary key (digest, repository, manifest)
  ) strict, without rowid;
  create index named_by_manifest on named (manifest);

  create table tags (
    repository integer not null references repositories (id),
    tag text not null,
    manifest integer not null references manifests (id),
    checked_at integer not null,
    primary key (repository, tag)
  ) strict, without rowid;
  create index tags_by_manifest on tags (manifest);

  create table tag_moves (
    id integer primary key,
    repository integer not null,
    tag text not null,
    digest text,
    at integer not null,
    user text
  ) strict;
  create index tag_moves_by_tag on tag_moves (repository, tag);

  create table cached_blobs (
    repository integer not null references repositories (id),
    digest text not null,
    size integer not null,
    used_at integer not null,
    -- 0: not known to be on the disk, which counts when the machine has stopped
    safe integer not null,
    primary key (repository, digest)
  ) strict, without rowid;
  create index cached_blobs_by_digest on cached_blobs (digest);
  create index cached_blobs_by_use on cached_blobs (used_at);
  create index cached_blobs_unsafe on cached_blobs (safe) where safe = 0;
  `,
];
