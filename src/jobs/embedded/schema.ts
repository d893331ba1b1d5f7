/** Steps from an empty file to the tables as they are; `user_version` counts those that were taken. */
export const migrations: readonly string[] = [
  `
  -- place: where it stands among those that wait; kept while it runs, so that what is given back is the first again.
  -- due: until then it has no place. tries: attempts that came to an end.
  create table queue (
    name text not null,
    key text not null,
    job text not null,
    place integer,
    due integer,
    tries integer not null default 0,
    token text,
    until integer,
    primary key (name, key)
  ) strict;
  create index queue_place on queue (name, place) where place is not null;
  create index queue_due on queue (name, due) where due is not null;
  create index queue_until on queue (name, until) where until is not null;

  create table buried (
    number integer primary key,
    name text not null,
    key text not null,
    job text not null,
    reason text not null,
    at integer not null
  ) strict;

  -- body: the job without the two that have columns of their own. version: of the last change to any job.
  create table jobs (
    id text primary key,
    state text not null,
    kind text not null,
    owner text not null,
    ended integer,
    version integer not null,
    events integer not null default 0,
    request text not null,
    progress text,
    body text not null
  ) strict;
  create index jobs_state on jobs (state, id);
  create index jobs_kind on jobs (kind, id);
  create index jobs_owner on jobs (owner, id);
  create index jobs_ended on jobs (ended) where ended is not null;
  create index jobs_version on jobs (version);
  create table versions (last integer not null) strict;
  insert into versions values (0);

  create table idempotency (
    owner text not null,
    key text not null,
    job text not null,
    primary key (owner, key)
  ) strict, without rowid;
  create index idempotency_job on idempotency (job);

  create table events (
    job text not null,
    number integer not null,
    kind text not null,
    slot text,
    at integer not null,
    event text not null,
    primary key (job, number)
  ) strict, without rowid;
  create index events_kind on events (job, kind, number);
  create index events_slot on events (job, slot) where slot is not null;
  `,
];
