import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type * as z from "zod";
import { JobError } from "../../../src/jobs/errors.ts";
import {
  errorAnswer,
  jobAnswer,
  jobsAnswer,
  mirrorsAnswer,
  schedulesAnswer,
} from "../../../src/server/jobs/api-schemas.ts";
import { type ApiWorld, jobsWorld } from "../../support/jobs/api-world.ts";

const copyBody = {
  kind: "copy",
  from: "docker://docker.io/library/alpine:3",
  to: { image: "docker://registry.example/hub/alpine:3", credentials: "own" },
};

async function read<T extends z.ZodType>(schema: T, answer: Response): Promise<z.output<T>> {
  return schema.parse(await answer.json());
}

async function startOne(world: ApiWorld, user = "ann", body: object = copyBody) {
  const answer = await world.post(user, "/api/v1/jobs", body);
  assert.equal(answer.status, 202);
  return (await read(jobAnswer, answer)).job;
}

test("a job is started, shown, listed and cancelled by its owner", async () => {
  await using world = await jobsWorld();
  const answer = await world.post("ann", "/api/v1/jobs", copyBody);
  assert.equal(answer.status, 202);
  const { job } = await read(jobAnswer, answer);
  assert.equal(answer.headers.get("location"), `/api/v1/jobs/${job.id}`);
  assert.equal(job.state, "waiting");
  assert.equal(job.owner, "ann");
  assert.deepEqual(job.request, {
    kind: "copy",
    from: { image: copyBody.from },
    to: copyBody.to,
    options: {},
  });
  assert.deepEqual([...world.queue.waiting.keys()], [job.id]);
  const shown = await world.get("ann", `/api/v1/jobs/${job.id}`);
  assert.deepEqual((await read(jobAnswer, shown)).job, job);
  const list = await read(jobsAnswer, await world.get("ann", "/api/v1/jobs"));
  assert.deepEqual(list, { jobs: [job] });
  const cancelled = await world.send("ann", "DELETE", `/api/v1/jobs/${job.id}`);
  assert.equal(cancelled.status, 202);
  assert.equal((await read(jobAnswer, cancelled)).job.state, "cancelled");
  assert.equal(world.queue.waiting.size, 0);
  const again = await world.send("ann", "DELETE", `/api/v1/jobs/${job.id}`);
  assert.equal(again.status, 409);
  assert.deepEqual(
    world.notes.map(({ type, user, detail }) => [type, user, detail]),
    [
      ["job-started", "ann", `copy ${copyBody.from} to ${copyBody.to.image}`],
      ["job-cancelled", "ann", `copy ${copyBody.from} to ${copyBody.to.image}`],
    ],
  );
});

test("a job that runs is asked to end, and goes on until it does", async () => {
  await using world = await jobsWorld();
  const { id } = await startOne(world);
  world.queue.waiting.delete(id);
  world.queue.running.add(id);
  await world.ledger.change(id, { state: "running" });
  const { job } = await read(jobAnswer, await world.send("ann", "DELETE", `/api/v1/jobs/${id}`));
  assert.equal(job.state, "running");
  assert.equal(job.cancelRequested, true);
  const json = { user: "ann", "content-type": "application/json" }; // a type, and no body
  assert.equal(await world.raw("DELETE", `/api/v1/jobs/${id}`, "", json), 202);
});

const big = JSON.stringify({ ...copyBody, from: `docker://${"a".repeat(300_000)}` });
const deep = `{"kind":"sync","mirror":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}`;

/** Whatever is no job: the body as sent, its type, and what is answered. */
const wrong: readonly (readonly [what: string, body: string, status: number, type?: string])[] = [
  ["nothing", "", 400],
  ["no JSON", "{", 400],
  ["JSON and more", `${JSON.stringify(copyBody)}x`, 400],
  ["no UTF-8", "\xff\xfe", 400],
  ["no object", "[]", 400],
  ["null", "null", 400],
  ["no kind", "{}", 400],
  ["another kind", '{"kind":"exec"}', 400],
  ["a member twice", '{"kind":"verify","kind":"verify","image":"docker://a.example/b"}', 400],
  ["an unknown member", JSON.stringify({ ...copyBody, owner: "root" }), 400],
  ["a state", JSON.stringify({ ...copyBody, state: "done" }), 400],
  ["__proto__", '{"kind":"verify","image":"docker://a.example/b","__proto__":{"x":1}}', 400],
  ["a member of another kind", JSON.stringify({ ...copyBody, key: "release" }), 400],
  ["an unknown option", JSON.stringify({ ...copyBody, options: { x: 1 } }), 400],
  [
    "an unknown member of an end",
    JSON.stringify({ ...copyBody, to: { image: "dir:/x", password: "p" } }),
    400,
  ],
  ["a number for an image", JSON.stringify({ ...copyBody, from: 7 }), 400],
  ["no transport", JSON.stringify({ ...copyBody, from: "alpine" }), 400],
  [
    "control characters",
    JSON.stringify({ ...copyBody, from: "docker://a.example/b\r\nX: y" }),
    400,
  ],
  ["a bad platform", JSON.stringify({ ...copyBody, options: { platforms: ["linux"] } }), 400],
  ["no platforms", JSON.stringify({ ...copyBody, options: { platforms: [] } }), 400],
  [
    "credentials themselves",
    JSON.stringify({
      ...copyBody,
      to: { image: "docker://a.example/b", credentials: "me:secret" },
    }),
    400,
  ],
  ["a webhook that is no URL", JSON.stringify({ ...copyBody, webhook: "x" }), 400],
  [
    "a webhook with a user",
    JSON.stringify({ ...copyBody, webhook: "https://me:pw@a.example/" }),
    400,
  ],
  ["a webhook to a file", JSON.stringify({ ...copyBody, webhook: "file:///etc/passwd" }), 400],
  ["a time that is none", JSON.stringify({ ...copyBody, notBefore: "tomorrow" }), 400],
  ["a time too far away", JSON.stringify({ ...copyBody, notBefore: "2099-01-01T00:00:00Z" }), 400],
  ["a huge body", big, 413],
  ["deep nesting", deep, 400],
  [
    "a number that no double holds",
    '{"kind":"verify","image":"docker://a.example/b","notBefore":1e999}',
    400,
  ],
  ["text", JSON.stringify(copyBody), 415, "text/plain"],
  ["a form", "kind=copy", 415, "application/x-www-form-urlencoded"],
  ["no type", JSON.stringify(copyBody), 415, ""],
  ["another type", JSON.stringify(copyBody), 415, "application/json+x"],
];

test("what is no job is refused with a reason, and nothing is started", async () => {
  await using world = await jobsWorld();
  for (const [what, body, status, type = "application/json"] of wrong) {
    const answer = await fetch(`${world.url}/api/v1/jobs`, {
      method: "POST",
      headers: { user: "ann", "Content-Type": type },
      body: Buffer.from(body, "latin1"),
    });
    assert.equal(answer.status, status, what);
    const { error } = await read(errorAnswer, answer);
    assert.match(error.code, /^job\./, what);
    assert.ok(error.message.length > 3 && error.message.length < 600, `${what}: ${error.message}`);
  }
  assert.equal(world.ledger.jobs.size, 0);
  assert.equal(world.queue.waiting.size, 0);
  assert.deepEqual(world.notes, []);
});

test("a refusal says where in the body, and what was expected there", async () => {
  await using world = await jobsWorld();
  const messageOf = async (body: object) =>
    (await read(errorAnswer, await world.post("ann", "/api/v1/jobs", body))).error.message;
  assert.match(
    await messageOf({ ...copyBody, options: { platform: "all" } }),
    /^options: unknown member "platform"$/,
  );
  assert.match(
    await messageOf({ ...copyBody, to: { image: "x" } }),
    /^to\.image: expected TRANSPORT:NAME/,
  );
  assert.match(await messageOf({ ...copyBody, from: { img: "x" } }), /^from/);
  assert.match(
    await messageOf({ kind: "scan" }),
    /^kind: expected kind: copy, sync, sign or verify$/,
  );
});

test("a refusal gives back no whole body", async () => {
  await using world = await jobsWorld();
  const body = { ...copyBody, ["k".repeat(100_000)]: 1, ["l".repeat(100_000)]: 1 };
  const many = {
    ...copyBody,
    ...Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [i, 1])),
  };
  for (const each of [body, many]) {
    const answer = await world.post("ann", "/api/v1/jobs", each);
    assert.equal(answer.status, 400);
    const { error } = await read(errorAnswer, answer);
    assert.match(error.message, /^unknown member "/);
    assert.ok(error.message.length < 20_000);
  }
});

test("the same Idempotency-Key gives the same job, and never another one", async () => {
  await using world = await jobsWorld();
  const send = (user: string, body: object, key: string) =>
    world.post(user, "/api/v1/jobs", body, { "Idempotency-Key": key });
  const all = await Promise.all(Array.from({ length: 8 }, () => send("ann", copyBody, "k1")));
  assert.deepEqual(
    all.map(({ status }) => status).toSorted(),
    [200, 200, 200, 200, 200, 200, 200, 202],
  );
  const ids = await Promise.all(all.map(async (answer) => (await read(jobAnswer, answer)).job.id));
  assert.equal(new Set(ids).size, 1);
  assert.equal(
    (await send("ann", { ...copyBody, from: "docker://a.example/b" }, "k1")).status,
    422,
  );
  const later = { ...copyBody, notBefore: Date.now() + 3_600_000 };
  assert.equal((await send("ann", later, "k2")).status, 202);
  assert.equal((await send("ann", later, "k2")).status, 200);
  const latest = { ...later, notBefore: later.notBefore + 1 };
  assert.equal((await send("ann", latest, "k2")).status, 422, "it would begin at another time");
  assert.equal((await send("ann", copyBody, "k2")).status, 422, "it would begin now");
  assert.equal((await send("root", copyBody, "k1")).status, 202, "of another owner it is another");
  assert.equal((await send("ann", copyBody, "k 1")).status, 400);
  assert.equal(world.ledger.jobs.size, 3);
});

test("jobs are for those with the right, and each has one's own", async () => {
  await using world = await jobsWorld();
  const { id } = await startOne(world);
  const tries = async (user: string | undefined) => {
    const answers = [
      await world.post(user, "/api/v1/jobs", copyBody),
      await world.get(user, "/api/v1/jobs"),
      await world.get(user, `/api/v1/jobs/${id}`),
      await world.send(user, "DELETE", `/api/v1/jobs/${id}`),
      await world.send(user, "POST", `/api/v1/jobs/${id}/retry`),
      await world.get(user, `/api/v1/jobs/${id}/events`),
      await world.get(user, "/api/v1/jobs/events"),
      await world.get(user, "/api/v1/mirrors"),
      await world.post(user, "/api/v1/mirrors/base/run", {}),
      await world.get(user, "/api/v1/schedules"),
    ];
    for (const answer of answers) {
      if (answer.status === 200) await answer.body?.cancel();
      else errorAnswer.parse(await answer.json());
    }
    return answers.map(({ status }) => status);
  };
  assert.deepEqual(await tries(undefined), Array(10).fill(401));
  assert.deepEqual(await tries("eve"), Array(10).fill(403));
  assert.equal(world.ledger.jobs.size, 1);
  assert.equal((await world.get("bob", `/api/v1/jobs/${id}`)).status, 404);
  assert.equal((await world.send("bob", "DELETE", `/api/v1/jobs/${id}`)).status, 404);
  assert.equal((await world.send("bob", "POST", `/api/v1/jobs/${id}/retry`)).status, 404);
  assert.equal((await world.get("bob", `/api/v1/jobs/${id}/events`)).status, 404);
  assert.equal((await world.get("bob", "/api/v1/jobs?owner=ann")).status, 403);
  assert.deepEqual(await read(jobsAnswer, await world.get("bob", "/api/v1/jobs")), { jobs: [] });
  const seen = await read(jobsAnswer, await world.get("root", "/api/v1/jobs?owner=ann"));
  assert.deepEqual(
    seen.jobs.map((job) => job.id),
    [id],
  );
  assert.equal((await world.send("root", "DELETE", `/api/v1/jobs/${id}`)).status, 202);
  const none = await world.get(undefined, "/api/v1/jobs");
  assert.match(none.headers.get("www-authenticate") ?? "", /^Basic /);
});

test("who has jobs finds the runs of mirrors in the list, whoever began them", async () => {
  await using world = await jobsWorld();
  const start = async (user: string, path: string, body: object) => {
    const answer = await world.post(user, path, body);
    return (await read(jobAnswer, answer)).job.id;
  };
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) {
    ids.unshift(await start("bob", "/api/v1/jobs", copyBody));
    ids.unshift(await start("ann", "/api/v1/mirrors/base/run", {}));
    await start("ann", "/api/v1/jobs", copyBody);
    await start("ann", "/api/v1/jobs", { kind: "sync", mirror: { mirrors: [] } });
    await new Promise((resolve) => setTimeout(resolve, 5)); // ids sort by time
  }
  const list = async (query: string) => {
    const { jobs, next } = await read(jobsAnswer, await world.get("bob", `/api/v1/jobs?${query}`));
    return { ids: jobs.map(({ id }) => id), next };
  };
  const sorted = ids.toSorted().toReversed();
  assert.deepEqual((await list("")).ids, sorted);
  const first = await list("limit=4");
  assert.deepEqual([first.ids, first.next], [sorted.slice(0, 4), sorted[3]]);
  assert.deepEqual((await list(`limit=4&before=${first.next}`)).ids, sorted.slice(4));
  assert.equal((await list("kind=copy")).ids.length, 3);
  assert.equal((await list("kind=sync&state=waiting")).ids.length, 3);
  assert.equal((await list("owner=bob")).ids.length, 3);
});

test("nobody in particular is answered by the server's own names alone", async () => {
  await using world = await jobsWorld();
  const rows: readonly (readonly [headers: Record<string, string>, status: number])[] = [
    [{ Host: "evil.example" }, 403],
    [{ Host: "127.0.0.1.evil.example:5000" }, 403],
    [{ Host: "hub.example.evil.example" }, 403],
    [{ Host: "evil.example." }, 403],
    [{ Host: "hub.example" }, 200],
    [{ Host: "HUB.example.:5000" }, 200],
    [{ Host: "localhost:5000" }, 200],
    [{ Host: "app.localhost" }, 200],
    [{ Host: "amphora:5000" }, 200],
    [{ Host: "192.168.1.7:5000" }, 200],
    [{ Host: "[::1]:5000" }, 200],
    [{ Host: "evil.example", user: "ann" }, 200],
  ];
  for (const [headers, status] of rows) {
    const sent = { nobody: "may", ...headers };
    const answer = await world.raw("GET", "/api/v1/jobs", "", sent);
    assert.equal(answer, status, JSON.stringify(headers));
  }
});

test("what a page of another site sends changes nothing", async () => {
  await using world = await jobsWorld();
  const own = world.url;
  const { host } = new URL(own);
  const rows: readonly (readonly [headers: Record<string, string>, status: number])[] = [
    [{ Origin: "https://evil.example" }, 403],
    [{ Origin: "null" }, 403],
    [{ Origin: `http://${host}.evil.example` }, 403],
    [{ Origin: "http://127.0.0.1:1" }, 403],
    [{ "Sec-Fetch-Site": "cross-site" }, 403],
    [{ "Sec-Fetch-Site": "same-site", Origin: own }, 403],
    [{ "Sec-Fetch-Site": "same-origin", Origin: own }, 202],
    [{ Origin: `https://${host}` }, 202],
  ];
  for (const [headers, status] of rows) {
    const answer = await world.raw("POST", "/api/v1/jobs", JSON.stringify(copyBody), {
      user: "ann",
      "Content-Type": "application/json",
      ...headers,
    });
    assert.equal(answer, status, JSON.stringify(headers));
  }
  const { id } = await startOne(world);
  for (const [method, url] of [
    ["DELETE", `/api/v1/jobs/${id}`],
    ["POST", `/api/v1/jobs/${id}/retry`],
  ] as const)
    assert.equal(
      await world.raw(method, url, "", { user: "ann", Origin: "https://evil.example" }),
      403,
    );
});

test("what the rules do not allow is refused before anything is written down", async () => {
  await using world = await jobsWorld({
    async check() {
      throw new JobError("job.not-allowed", "no job may name this host", { hint: "List it" });
    },
  });
  const answer = await world.post("ann", "/api/v1/jobs", copyBody);
  assert.equal(answer.status, 403);
  assert.deepEqual(await answer.json(), {
    error: { code: "job.not-allowed", message: "no job may name this host", hint: "List it" },
  });
  assert.equal(world.ledger.jobs.size, 0);
});

test("a queue that cannot be reached is told of with 503, and the job is not done later either", async () => {
  await using world = await jobsWorld();
  world.queue.failure = new JobError("job.queue-unreachable", "connect ECONNREFUSED 10.0.0.7:6379");
  const answer = await world.post("ann", "/api/v1/jobs", copyBody);
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get("retry-after"), "5");
  assert.doesNotMatch(await answer.text(), /10\.0\.0\.7/);
  assert.deepEqual(
    [...world.ledger.jobs.values()].map(({ state }) => state),
    ["cancelled"],
  );
});

test("a job that was answered 503 is started by the same Idempotency-Key once it can be", async () => {
  await using world = await jobsWorld();
  const key = { "Idempotency-Key": "k1" };
  world.queue.failure = new JobError("job.queue-unreachable", "away");
  assert.equal((await world.post("ann", "/api/v1/jobs", copyBody, key)).status, 503);
  world.queue.failure = undefined;
  const answer = await world.post("ann", "/api/v1/jobs", copyBody, key);
  assert.equal(answer.status, 202);
  const { job } = await read(jobAnswer, answer);
  assert.equal(job.state, "waiting");
  assert.ok(world.queue.waiting.has(job.id));
  const again = await read(jobAnswer, await world.post("ann", "/api/v1/jobs", copyBody, key));
  assert.equal(again.job.id, job.id);
});

test("pages of jobs follow one another without gap or repetition", async () => {
  await using world = await jobsWorld();
  for (let number = 0; number < 7; number++) await startOne(world);
  const seen: string[] = [];
  let url = "/api/v1/jobs?limit=3";
  for (;;) {
    const { jobs, next } = await read(jobsAnswer, await world.get("ann", url));
    seen.push(...jobs.map(({ id }) => id));
    if (next === undefined) break;
    url = `/api/v1/jobs?limit=3&before=${next}`;
  }
  assert.deepEqual(seen, [...world.ledger.jobs.keys()].toSorted().toReversed());
  for (const query of [
    "limit=0",
    "limit=201",
    "limit=x",
    "state=lost",
    "kind=x",
    "before=../x",
    "x=1",
  ])
    assert.equal((await world.get("ann", `/api/v1/jobs?${query}`)).status, 400, query);
  const waiting = await read(jobsAnswer, await world.get("ann", "/api/v1/jobs?state=running,done"));
  assert.deepEqual(waiting.jobs, []);
});

test("a job that has ended is tried again as a new one, and one that has not is not", async () => {
  await using world = await jobsWorld();
  const { id } = await startOne(world);
  assert.equal((await world.send("ann", "POST", `/api/v1/jobs/${id}/retry`)).status, 409);
  await world.ledger.change(id, { state: "failed", failure: { code: "x", message: "y" } });
  const answer = await world.send("ann", "POST", `/api/v1/jobs/${id}/retry`);
  assert.equal(answer.status, 202);
  const { job } = await read(jobAnswer, answer);
  assert.equal(job.retryOf, id);
  assert.equal(job.state, "waiting");
  assert.notEqual(job.id, id);
});

test("a webhook is shown by its host alone", async () => {
  await using world = await jobsWorld();
  const webhook = "https://hooks.example/services/T0/secret?token=x";
  const job = await startOne(world, "ann", { ...copyBody, webhook });
  assert.equal(job.webhook, "https://hooks.example/…");
  assert.equal(world.ledger.jobs.get(job.id)?.webhook, webhook);
});

test("mirrors of the settings are listed with their schedule and last job, and run by name", async () => {
  await using world = await jobsWorld();
  const { schedules } = await read(schedulesAnswer, await world.get("ann", "/api/v1/schedules"));
  assert.deepEqual(schedules, [
    {
      name: "base",
      cron: "0 3 * * *",
      nextRun: 86_400_000,
      request: { kind: "sync", mirror: "base", dryRun: false },
    },
  ]);
  const run = await world.post("ann", "/api/v1/mirrors/base/run", { dryRun: true });
  assert.equal(run.status, 202);
  const { job } = await read(jobAnswer, run);
  assert.deepEqual(job.request, { kind: "sync", mirror: "base", dryRun: true });
  const { mirrors } = await read(mirrorsAnswer, await world.get("bob", "/api/v1/mirrors"));
  assert.equal(mirrors[0]?.nextRun, 86_400_000);
  assert.equal(mirrors[0]?.lastJob?.id, job.id, "everybody who may run it sees how it went");
  assert.equal((await world.send("bob", "DELETE", `/api/v1/jobs/${job.id}`)).status, 403);
  assert.equal((await world.send("bob", "POST", "/api/v1/mirrors/base/run")).status, 202);
  assert.equal((await world.post("ann", "/api/v1/mirrors/other/run", {})).status, 404);
  assert.equal((await world.post("ann", "/api/v1/mirrors/base/run", { x: 1 })).status, 400);
});

/** Reads events until `enough` says so, or the stream ends. */
async function eventsOf(answer: Response, enough: (text: string) => boolean = () => false) {
  assert.equal(answer.headers.get("content-type"), "text/event-stream; charset=utf-8");
  let text = "";
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString("utf8");
    if (enough(text)) break;
  }
  return text;
}

test("events of a job go on behind Last-Event-ID, and end with the job", async () => {
  await using world = await jobsWorld();
  const { id } = await startOne(world);
  const url = `/api/v1/jobs/${id}/events`;
  await world.ledger.change(id, { state: "running" });
  const reading = world.get("ann", url).then((answer) => eventsOf(answer));
  for (const text of ["one", "two\nlines"])
    await world.ledger.note(id, { type: "message", level: "info", text });
  await world.ledger.change(id, { state: "done" });
  const text = await reading;
  assert.match(text, /^retry: \d+\n/);
  const sent = text.split("\n\n").filter((block) => block.startsWith("id: "));
  assert.deepEqual(
    sent.map((block) => block.split("\n").slice(0, 2)),
    [
      ["id: 1", "event: state"],
      ["id: 2", "event: message"],
      ["id: 3", "event: message"],
      ["id: 4", "event: state"],
    ],
  );
  assert.equal(JSON.parse(/^data: (.*)$/m.exec(sent[2] ?? "")?.[1] ?? "").text, "two\nlines");
  const later = await eventsOf(await world.get("ann", url, { "Last-Event-ID": "3" }));
  assert.match(later, /id: 4\n/);
  assert.doesNotMatch(later, /id: 3\n/);
  assert.equal((await world.get("ann", url, { "Last-Event-ID": "4" })).status, 204);
  assert.equal((await world.get("ann", url, { "Last-Event-ID": "-1" })).status, 400);
});

test("changes of jobs are told to those who may see them", async () => {
  await using world = await jobsWorld();
  const root = eventsOf(await world.get("root", "/api/v1/jobs/events"), (text) =>
    text.includes("ann-done"),
  );
  const bob = eventsOf(await world.get("bob", "/api/v1/jobs/events"), (text) =>
    text.includes("bob"),
  );
  await sleep(0);
  const { id } = await startOne(world);
  await world.ledger.change(id, { state: "failed", failure: { code: "x", message: "ann-done" } });
  await startOne(world, "bob");
  assert.match(await root, /event: job\ndata: \{.*"owner":"ann"/);
  assert.doesNotMatch(await bob, /"owner":"ann"/);
});

test("streams of events are alive between events, few at a time, and end with the server", async () => {
  await using world = await jobsWorld({}, { heartbeatMs: 20, perOwner: 2, inAll: 3 });
  const first = await world.get("ann", "/api/v1/jobs/events");
  const beats = eventsOf(first, (text) => text.split(": \n\n").length > 3);
  const second = await world.get("ann", "/api/v1/jobs/events");
  assert.equal((await world.get("ann", "/api/v1/jobs/events")).status, 429);
  await beats; // Its reader has gone: there is room again.
  for (let status = 429; status === 429; ) {
    const third = await world.get("ann", "/api/v1/jobs/events");
    status = third.status;
    if (status === 429) await third.body?.cancel();
  }
  const ends = eventsOf(second);
  await world.stop();
  await ends;
});

test("who does not read keeps nothing in the server but the latest of each job", async () => {
  await using world = await jobsWorld({}, { heartbeatMs: 50 });
  const { id } = await startOne(world);
  const socket = connect(Number(new URL(world.url).port), "127.0.0.1");
  socket.write(`GET /api/v1/jobs/events HTTP/1.1\r\nHost: x\r\nuser: ann\r\n\r\n`);
  await new Promise((resolve) => socket.once("data", resolve));
  socket.pause();
  const progress = (moved: number) => ({
    images: { found: 1, ended: 0, failed: 0 },
    bytes: { moved, spared: 0 },
  });
  const many = 6_000;
  for (let moved = 1; moved <= many; moved++) {
    await world.ledger.progress(id, progress(moved));
    if (moved % 500 === 0) await sleep(1);
  }
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  socket.resume();
  while (!text.includes(`"moved":${many},`))
    await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  assert.ok(text.split("event: job").length < many, "not every change was kept for it");
});

test("a path or method that there is none of is answered in the API's own form", async () => {
  await using world = await jobsWorld();
  for (const [method, path, status, code, allow] of [
    ["PUT", "/api/v1/jobs", 405, "job.bad-method", "GET, HEAD, POST"],
    ["PATCH", "/api/v1/jobs/x?y", 405, "job.bad-method", "DELETE, GET, HEAD"],
    ["POST", "/api/v1/jobs/events", 405, "job.bad-method", "DELETE, GET, HEAD"],
    ["GET", "/api/v1/mirrors/base/run", 405, "job.bad-method", "POST"],
    ["DELETE", "/api/v1/schedules", 405, "job.bad-method", "GET, HEAD"],
    ["GET", "/api/v1/jobs/x/y/z", 404, "job.not-found", null],
    ["POST", "/api/v1/mirrors/base/run/", 404, "job.not-found", null],
  ] as const) {
    const answer = await world.send("ann", method, path);
    const said = await read(errorAnswer, answer);
    assert.deepEqual([answer.status, said.error.code], [status, code], `${method} ${path}`);
    assert.equal(answer.headers.get("allow"), allow, `${method} ${path}`);
  }
  assert.deepEqual(
    Object.keys((await (await world.get("ann", "/api/v1/jobsx")).json()) as object),
    ["errors"],
  );
});
