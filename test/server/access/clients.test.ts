import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { makeImage } from "../../support/images.ts";
import { writeLayoutFolder } from "../../support/layout-folder.ts";
import { requirePeer, skipWithout } from "../../support/peers.ts";
import { skipUnprivileged, startPodman } from "../../support/podman.ts";
import { run } from "../../support/run.ts";
import { type Served, startServed } from "../../support/server/served.ts";
import { skopeo } from "../../support/skopeo.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const yaml = `
name: registry.example
access:
  htpasswd: users
  anonymous: [pull]
  rules:
    - { users: [ci], repositories: ["team/**"], actions: [pull, push] }
    - { users: [ann], repositories: ["**"], actions: ["*"] }
`;

/** A password file as Debian's htpasswd writes it. */
async function passwordFile(folder: TempFolder): Promise<string> {
  const file = folder.in("users");
  for (const [flags, user] of [
    ["-cbB", "ann"],
    ["-bB", "ci"],
  ] as const) {
    const made = await run(requirePeer("htpasswd"), [flags, file, user, `${user}-secret`]);
    assert.equal(made.exitCode, 0, made.stderr);
  }
  return await readFile(file, "utf8");
}

interface Clients extends AsyncDisposable {
  readonly served: Served;
  readonly folder: TempFolder;
  /** Pushes an image with these flags; gives what went wrong. */
  push(repository: string, ...flags: readonly string[]): Promise<string>;
}

async function clients(configuration: string): Promise<Clients> {
  const folder = await tempFolder();
  const users = await passwordFile(folder);
  await writeLayoutFolder(folder.in("image"), makeImage({ seed: 5, type: "oci" }), "v1");
  const served = await startServed({ yaml: configuration, files: { users } });
  return {
    served,
    folder,
    async push(repository, ...flags) {
      const to = `docker://${served.host}/${repository}`;
      const from = `oci:${folder.in("image")}:v1`;
      const { exitCode, stderr } = await skopeo([
        "copy",
        "-q",
        "--dest-tls-verify=false",
        ...flags,
        from,
        to,
      ]);
      return exitCode === 0 ? "" : stderr;
    },
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("skopeo pushes and pulls by tokens, as its user's rules and everybody's let it", {
  skip: skipWithout("skopeo", "htpasswd"),
}, async () => {
  await using c = await clients(yaml);
  assert.equal(await c.push("team/x:1", "--dest-creds", "ci:ci-secret"), "");
  assert.match(await c.push("other/x:1", "--dest-creds", "ci:ci-secret"), /denied/);
  assert.match(await c.push("team/x:2", "--dest-creds", "ci:wrong"), /invalid username\/password/);
  assert.match(await c.push("team/x:2"), /authentication required|unauthorized|denied/);
  assert.equal(await c.push("other/x:1", "--dest-creds", "ann:ann-secret"), "");
  const anonymous = ["inspect", "--tls-verify=false", `docker://${c.served.host}/team/x:1`];
  assert.equal((await skopeo(anonymous)).exitCode, 0);
  const urls = c.served.events.flatMap((event) => (event.type === "request" ? [event.url] : []));
  assert.ok(urls.some((url) => url.startsWith("/token?")));
});

test("skopeo pushes and pulls by password, where there are no tokens", {
  skip: skipWithout("skopeo", "htpasswd"),
}, async () => {
  await using c = await clients("access: {htpasswd: users}");
  assert.equal(await c.push("team/x:1", "--dest-creds", "ci:ci-secret"), "");
  assert.match(await c.push("team/x:1"), /unauthorized: authentication required/);
  const wrong = await c.push("team/x:1", "--dest-creds", "ci:wrong");
  assert.match(wrong, /unauthorized: authentication required/);
  const anonymous = ["inspect", "--tls-verify=false", `docker://${c.served.host}/team/x:1`];
  assert.equal((await skopeo(anonymous)).exitCode, 1);
  assert.equal((await skopeo([...anonymous, "--creds", "ann:ann-secret"])).exitCode, 0);
  const urls = c.served.events.flatMap((event) => (event.type === "request" ? [event.url] : []));
  assert.ok(!urls.some((url) => url.startsWith("/token")));
});

test("podman logs in, and not with a wrong password", {
  skip: skipWithout("podman", "htpasswd") || skipUnprivileged(),
}, async () => {
  await using c = await clients(yaml);
  await using podman = await startPodman();
  const login = async (password: string) => {
    const auth = ["--authfile", c.folder.in("auth.json")];
    const as = ["-u", "ci", "-p", password, "--tls-verify=false"];
    return await podman.run(["login", ...auth, ...as, c.served.host]);
  };
  const good = await login("ci-secret");
  assert.equal(good.exitCode, 0, good.stderr);
  assert.match(good.stdout, /Login Succeeded!/);
  assert.equal(await c.push("team/x:1", "--authfile", c.folder.in("auth.json")), "");
  await writeFile(c.folder.in("auth.json"), "{}");
  const bad = await login("wrong");
  assert.notEqual(bad.exitCode, 0);
  assert.match(bad.stderr, /invalid username\/password/);
});

test("a token is had by OAuth 2 as well, and another with its refresh token, until the password changes", {
  skip: skipWithout("htpasswd"),
}, async () => {
  await using c = await clients("access: {htpasswd: users, tokens: {refresh-lifetime: 1d}}");
  const post = async (form: Record<string, string>) => {
    const body = new URLSearchParams({ service: "localhost:5000", client_id: "t", ...form });
    const answer = await fetch(`${c.served.url}/token`, { method: "POST", body });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };
  const scope = "repository:team/x:pull,push repository:other:delete";
  const login = { grant_type: "password", username: "ann", password: "ann-secret" };
  const first = await post({ ...login, access_type: "offline", scope });
  assert.equal(first.status, 200);
  assert.equal(first.body["scope"], scope);
  assert.equal((await post({ ...login, scope })).body["refresh_token"], undefined);
  const refresh = { grant_type: "refresh_token", refresh_token: first.body["refresh_token"] ?? "" };
  const second = await post({ ...refresh, scope });
  assert.equal(second.status, 200);
  const authorization = `Bearer ${second.body["access_token"]}`;
  const upload = (headers: Record<string, string>) =>
    fetch(`${c.served.url}/v2/team/x/blobs/uploads/`, { method: "POST", headers });
  assert.equal((await upload({ authorization })).status, 202);
  // A refresh token opens nothing by itself.
  assert.equal((await upload({ authorization: `Bearer ${refresh.refresh_token}` })).status, 401);
  assert.equal((await post({ ...refresh, refresh_token: authorization.slice(7) })).status, 401);
  assert.equal((await post({ ...login, password: "wrong" })).status, 401);
  assert.deepEqual(
    (await post({ grant_type: "implicit" })).body["error"],
    "unsupported_grant_type",
  );
  const file = c.served.folder.in("etc", "users");
  const changed = await run(requirePeer("htpasswd"), ["-bB", file, "ann", "another"]);
  assert.equal(changed.exitCode, 0);
  await c.served.reload();
  assert.equal((await post({ ...refresh, scope })).status, 401);
});

test("a token shows in no log, and figures are for administrators", {
  skip: skipWithout("htpasswd"),
}, async () => {
  await using c = await clients(yaml);
  const as = (user: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${user}-secret`).toString("base64")}`,
  });
  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${c.served.url}${path}`, { headers })).status;
  assert.equal(await status("/metrics"), 401);
  assert.equal(await status("/metrics", as("ci")), 403);
  assert.equal(await status("/metrics", as("ann")), 200);
  assert.equal(await status("/api/v1/blocked", as("ci")), 403);
  assert.equal(await status("/healthz"), 200);
  assert.equal(await status("/v2/_catalog"), 401);
  assert.equal(await status("/v2/_catalog", as("ann")), 200);
  assert.doesNotMatch(JSON.stringify(c.served.events), /secret/);
});

test("rules are changed while the server runs; of the rest it is told that a new start is needed", {
  skip: skipWithout("htpasswd"),
}, async () => {
  await using c = await clients(yaml);
  const upload = async (repository: string) => {
    const headers = { authorization: `Basic ${Buffer.from("ci:ci-secret").toString("base64")}` };
    const url = `${c.served.url}/v2/${repository}/blobs/uploads/`;
    return (await fetch(url, { method: "POST", headers })).status;
  };
  assert.deepEqual([await upload("team/x"), await upload("other/x")], [202, 403]);
  assert.deepEqual(await c.served.reload(), []);
  assert.deepEqual(await c.served.reload(yaml.replace("team/**", "other/**")), []);
  assert.deepEqual([await upload("team/x"), await upload("other/x")], [403, 202]);
  const more = `${yaml}  realm: other\nlimits: {connections: 5}\n`;
  assert.deepEqual(await c.served.reload(more), ["limits", "access.realm"]);
  await assert.rejects(
    () => c.served.reload(yaml.replace("htpasswd: users", "htpasswd: nowhere")),
    {
      code: "server.bad-file",
    },
  );
  await assert.rejects(() => c.served.reload("nonsense: 1"), { code: "config.invalid" });
  assert.deepEqual([await upload("team/x"), await upload("other/x")], [202, 403]);
});
