import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { hashSync } from "bcryptjs";
import { createAccess } from "../../../src/server/access/create-access.ts";
import { localAccess } from "../../../src/server/access/local-access.ts";
import { accessSettings } from "../../../src/server/access/settings.ts";
import { createMetrics } from "../../../src/server/metrics/metrics.ts";
import { pageFace } from "../../../src/server/page/page-face.ts";
import { withSessions } from "../../../src/server/page/session-access.ts";
import { sessionFace } from "../../../src/server/page/session-face.ts";
import { createSessions } from "../../../src/server/page/sessions.ts";
import { isSameSite } from "../../../src/server/same-site.ts";
import { serverSettings } from "../../../src/server/settings.ts";
import type { Face } from "../../../src/server/shell/faces.ts";
import { startServer } from "../../../src/server/shell/start-server.ts";
import { tempFolder } from "../../support/temp.ts";

/** A server with the page and one user, ann, whose password is "secret"; she may have jobs. */
async function startWorld() {
  const folder = await tempFolder();
  const users = (text: string) => writeFileSync(folder.in("users"), text);
  users(`ann:${hashSync("secret", 4)}\n`);
  const clock = { now: 1_800_000_000_000 };
  const rules = [{ users: ["ann"], repositories: ["**"], actions: ["jobs", "admin"] }];
  const settings = accessSettings.parse({ htpasswd: folder.in("users"), rules });
  const configured = createAccess(settings, {
    name: "registry.example",
    data: folder.in("data"),
    perUser: 0,
    perAddress: 0,
    now: () => clock.now,
    report() {},
  });
  const sessions = createSessions(
    (user) => configured.access.secretOf?.(user),
    () => clock.now,
  );
  const access = withSessions(configured.access, sessions);
  const secret: Face = (app) => {
    app.get("/api/v1/secret", { config: { right: "admin" } }, async () => ({ told: true }));
    app.post("/api/v1/secret", { config: { right: "admin" } }, async () => ({ done: true }));
  };
  for (const name of ["index.html", "app.js", "page.css"]) writeFileSync(folder.in(name), name);
  const server = await startServer(serverSettings.parse({ listen: ["127.0.0.1:0"] }), {
    access,
    faces: [
      secret,
      pageFace(folder.path),
      sessionFace({ access, sessions, name: "registry.example", version: "1.2.3" }),
    ],
    metrics: createMetrics(),
    report() {},
    version: "1.2.3",
  });
  const url = server.urls[0] ?? "";
  const call = (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: object,
  ) =>
    fetch(`${url}${path}`, {
      method,
      headers: { ...headers, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  return {
    url,
    clock,
    users,
    configured,
    call,
    async login(user = "ann", password = "secret", headers: Record<string, string> = {}) {
      const answer = await call("POST", "/api/v1/session", headers, { user, password });
      const set = answer.headers.get("set-cookie") ?? "";
      return { answer, set, cookie: set.split(";", 1)[0] ?? "" };
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await configured[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("who logs in with a password is known by a cookie, until they log out", async () => {
  await using world = await startWorld();
  assert.equal((await world.call("GET", "/api/v1/secret")).status, 401);
  const { answer, set, cookie } = await world.login();
  assert.equal(answer.status, 200);
  assert.match(set, /^amphora=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.deepEqual(await answer.json(), {
    user: "ann",
    rights: { jobs: true, admin: true },
    login: true,
    server: { name: "registry.example", version: "1.2.3" },
  });
  assert.equal((await world.call("GET", "/api/v1/secret", { cookie })).status, 200);
  const out = await world.call("DELETE", "/api/v1/session", { cookie });
  assert.equal(out.status, 204);
  assert.match(out.headers.get("set-cookie") ?? "", /^amphora=; .*Max-Age=0$/);
  assert.equal((await world.call("GET", "/api/v1/secret", { cookie })).status, 401);
});

test("nobody is let in with a wrong password, and nobody is told which part was wrong", async () => {
  await using world = await startWorld();
  const bodies = new Set<string>();
  for (const [user, password] of [
    ["ann", "Secret"],
    ["bob", "secret"],
    ["ann", ""],
    ["", "secret"],
    ["a:b", "secret"],
  ]) {
    const { answer, set } = await world.login(user, password);
    assert.ok(answer.status === 401 || answer.status === 400, `${user}: ${answer.status}`);
    assert.equal(set, "");
    // A browser would ask for a password by itself.
    assert.doesNotMatch(answer.headers.get("www-authenticate") ?? "", /basic/i);
    if (answer.status === 401) bodies.add(await answer.text());
  }
  assert.equal(bodies.size, 1);
});

test("a session ends with its time, with idleness, with the password and with the user", async () => {
  await using world = await startWorld();
  const works = async (cookie: string) =>
    (await world.call("GET", "/api/v1/secret", { cookie })).status === 200;
  const hour = 3_600_000;
  const idle = (await world.login()).cookie;
  world.clock.now += 2 * hour + 1;
  assert.equal(await works(idle), false);
  const long = (await world.login()).cookie;
  for (let hours = 0; hours < 12; hours++) {
    assert.equal(await works(long), true, `after ${hours} hours`);
    world.clock.now += hour;
  }
  world.clock.now += 1;
  assert.equal(await works(long), false);
  const changed = (await world.login()).cookie;
  world.users(`ann:${hashSync("other", 4)}\n`);
  world.configured.reload();
  assert.equal(await works(changed), false);
  const gone = (await world.login("ann", "other")).cookie;
  assert.equal(await works(gone), true);
  world.users("");
  world.configured.reload();
  assert.equal(await works(gone), false);
});

test("the cookie counts for our own page's requests only", async () => {
  await using world = await startWorld();
  const { cookie } = await world.login();
  const post = (headers: Record<string, string>) =>
    world.call("POST", "/api/v1/secret", { cookie, ...headers }, {});
  assert.equal((await post({ origin: world.url, "sec-fetch-site": "same-origin" })).status, 200);
  for (const headers of [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: `${world.url}1` },
  ]) {
    assert.equal((await post(headers)).status, 401, JSON.stringify(headers));
  }
  const { answer } = await world.login("ann", "secret", { origin: "https://evil.example" });
  assert.equal(answer.status, 403);
  const other = await world.call("GET", "/api/v1/secret", { cookie: `${cookie}x` });
  assert.equal(other.status, 401);
  // Who says otherwise who asks is taken by the word.
  const basic = `Basic ${Buffer.from("ann:wrong").toString("base64")}`;
  assert.equal(
    (await world.call("GET", "/api/v1/secret", { cookie, authorization: basic })).status,
    401,
  );
});

test("a user has so many sessions and no more: the oldest go", () => {
  const sessions = createSessions(
    () => "x",
    () => 0,
    { perUser: 3 },
  );
  const tokens = Array.from({ length: 5 }, () => sessions.begin("ann", "x"));
  const bob = sessions.begin("bob", "x");
  assert.deepEqual(
    tokens.map((token) => sessions.find(token)?.user),
    [undefined, undefined, "ann", "ann", "ann"],
  );
  assert.equal(sessions.find(bob)?.user, "bob");
});

test("the page comes with what keeps others out of it", async () => {
  await using world = await startWorld();
  for (const [path, type] of [
    ["/", "text/html"],
    ["/page/app.js", "text/javascript"],
    ["/page/page.css", "text/css"],
  ] as const) {
    const answer = await world.call("GET", path);
    assert.equal(answer.status, 200);
    assert.ok(answer.headers.get("content-type")?.startsWith(type));
    const policy = answer.headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'self'; /);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:/);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    const tag = answer.headers.get("etag") ?? "";
    assert.equal((await world.call("GET", path, { "if-none-match": tag })).status, 304);
    assert.equal((await world.call("HEAD", path)).status, 200);
  }
  for (const path of ["/page/", "/page/../etc/passwd", "/page/app.js/x", "/page/index.html"])
    assert.equal((await world.call("GET", path)).status, 404, path);
});

test("without users, a browser on this machine may use our own page, under our own name", async () => {
  const access = localAccess();
  const may = async (headers: Record<string, string>, address = "127.0.0.1") =>
    access.allows(await access.identify({ headers, address }), "", "admin");
  assert.equal(await may({ host: "127.0.0.1:5000" }), true);
  const own = { host: "localhost:5000", "sec-fetch-site": "same-origin" };
  assert.equal(await may(own), true);
  assert.equal(await may({ ...own, origin: "http://localhost:5000" }), true);
  assert.equal(await may({ host: "[::1]:5000", "sec-fetch-site": "none" }, "::1"), true);
  for (const headers of [
    { ...own, host: "rebound.example:5000" },
    { ...own, host: "127.0.0.1.evil.example" },
    { ...own, "sec-fetch-site": "cross-site" },
    { ...own, "sec-fetch-site": "same-site" },
    { ...own, origin: "http://evil.example" },
    { host: "localhost:5000", origin: "null" },
    { ...own, "x-forwarded-for": "192.0.2.1" },
  ]) {
    assert.equal(await may(headers), false, JSON.stringify(headers));
  }
  assert.equal(await may(own, "192.0.2.1"), false);
});

test("isSameSite() compares hosts, with the ports that schemes imply", () => {
  const says = (origin: string, host: string) => isSameSite({ origin, host });
  assert.equal(says("https://r.example", "r.example"), true);
  assert.equal(says("https://r.example", "r.example:443"), true);
  assert.equal(says("http://R.example:80", "r.example"), true);
  assert.equal(says("https://r.example:444", "r.example"), false);
  assert.equal(says("https://r.example.evil", "r.example"), false);
  assert.equal(says("not a URL", "r.example"), false);
  assert.equal(isSameSite({ host: "r.example" }), true);
});
