import assert from "node:assert/strict";
import { test } from "node:test";
import { htpasswdUser, startDockerRegistry } from "../support/docker-registry.ts";
import { makeImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { jsonReply, textReply } from "../support/registry/reply.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { makePki } from "../support/tls.ts";
import { testHost } from "./support.ts";

const { signal } = new AbortController();
const image = makeImage();

async function withRepositories(names: readonly string[]): Promise<Registry> {
  const registry = await startRegistry();
  for (const name of names) registry.seed(name, "v1", image);
  return registry;
}

async function list(registry: Registry): Promise<readonly string[]> {
  await using reader = testHost(registry.host);
  return await reader.host.repository("any", "read").listCatalog({ signal });
}

test("listCatalog() follows pages, in the registry's order", async () => {
  const names = Array.from(
    { length: 25 },
    (_, index) => `team/app${String(index).padStart(2, "0")}`,
  );
  await using registry = await withRepositories(names);
  registry.features = { ...registry.features, pageLimit: 10 };
  assert.deepEqual(await list(registry), names);
  assert.equal(registry.log.entries.length, 3);
});

test("listCatalog() asks for smaller pages where a registry has those only", async () => {
  await using registry = await withRepositories(["a", "b", "c"]);
  registry.features = { ...registry.features, maxPage: 100, pageLimit: 2 };
  assert.deepEqual(await list(registry), ["a", "b", "c"]);
});

test("listCatalog() says that there is none, or that it is not shown", async () => {
  await using registry = await withRepositories(["a"]);
  registry.features = { ...registry.features, catalog: false };
  await assert.rejects(list(registry), { code: "registry.unsupported" });
  registry.features = { ...registry.features, catalog: true };
  registry.access = { kind: "basic", users: { ann: "secret" } };
  await assert.rejects(list(registry), { code: "registry.unsupported" });
});

test("listCatalog() refuses what is no list of repositories", async () => {
  await using registry = await withRepositories([]);
  for (const body of [
    "<html>",
    '{"repositories":7}',
    '{"repositories":["A b"]}',
    '{"repositories":[null]}',
  ]) {
    const reply = textReply(200, body);
    registry.behave({ on: "GET catalog", fault: { arrive: () => reply } });
    await assert.rejects(list(registry), { code: "registry.bad-response" }, body);
  }
});

test("listCatalog() stops where pages lead in a circle or bring nothing new", async () => {
  await using registry = await withRepositories([]);
  let asked = 0;
  registry.behave({
    on: "GET catalog",
    fault: {
      arrive: () => {
        asked++;
        return jsonReply(
          200,
          { repositories: ["a"] },
          { link: `</v2/_catalog?n=1000&last=${asked}>; rel="next"` },
        );
      },
    },
  });
  assert.deepEqual(await list(registry), ["a"]);
  assert.ok(asked <= 3);
});

test("listCatalog() asks docker-registry for a token that is good for the catalog", {
  skip: skipWithout("docker-registry"),
}, async () => {
  await using pki = await makePki();
  const { name, password } = htpasswdUser;
  const token = {
    users: { [name]: password },
    may: (user: string | undefined, resource: string) =>
      user === name && resource !== "repository:any",
  };
  await using registry = await startDockerRegistry({ auth: { token, key: pki.server } });
  await using reader = testHost(registry.host, { credentials: { username: name, password } });
  assert.deepEqual(await reader.host.repository("any", "read").listCatalog({ signal }), []);
  await using stranger = testHost(registry.host);
  await assert.rejects(stranger.host.repository("any", "read").listCatalog({ signal }), {
    code: "registry.unsupported",
  });
});
