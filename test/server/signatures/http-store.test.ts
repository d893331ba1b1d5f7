import assert from "node:assert/strict";
import { test } from "node:test";
import { openLookaside } from "../../../sigstore/lookaside/open-lookaside.ts";
import { testClient } from "../../sigstore/lookaside/support.ts";
import {
  call,
  manifest,
  signatureOf,
  team,
  textsOf,
  toyOrigin,
  type World,
  world,
} from "./support.ts";

const subject = { repository: "registry.test/team/app", manifestDigest: manifest };

/** Our own client of look-asides on web servers, at the face. */
function storeAt({ origin }: World, client: ReturnType<typeof testClient>, user = "ann") {
  const base = `${origin.replace("//", `//${user}:secret@`)}/sigstore/registry.test`;
  const store = openLookaside(base, client, true);
  return {
    store,
    add: (...texts: readonly string[]) =>
      store.append(
        subject,
        texts.map((text) => signatureOf(text)),
        call,
      ),
    read: async () => textsOf(await store.read(subject, call)),
    remove: (index: number) => store.remove(subject, index, call),
  };
}

test("our client adds what is not there, removes without a gap, and reads all of it", async () => {
  await using server = await world();
  await using client = testClient();
  const { store, add, read, remove } = storeAt(server, client);
  assert.deepEqual(await read(), []);
  await store.checkWritable(subject);
  await add("one", "two", "one");
  await add("two", "three", "four");
  assert.deepEqual(await read(), ["one", "two", "three", "four"]);
  await remove(1);
  assert.deepEqual(await read(), ["one", "four", "three"]);
  await remove(2);
  await remove(7);
  assert.deepEqual(await read(), ["one", "four"]);
  assert.deepEqual(textsOf(await server.signatures.read(team, manifest, call)), ["one", "four"]);
  await store.removeAll(subject, call);
  assert.deepEqual(await read(), []);
  assert.deepEqual(client.warnings, []);
});

test("our client is told of rights that it has not", async () => {
  await using server = await world();
  await using client = testClient();
  const { add } = storeAt(server, client, "bob");
  await assert.rejects(add("one"), { message: /received unexpected HTTP status: 403 Forbidden$/ });
});

test("50 who add at once leave signatures 1 to 50 behind, none lost (Z5)", async () => {
  await using server = await world();
  await using client = testClient();
  const { add, read } = storeAt(server, client);
  const texts = Array.from({ length: 50 }, (_, at) => `w${at}`);
  const half = process.env["AMPHORA_SOAK"] === "1" ? texts.length : 12;
  const inside = (text: string) => server.signatures.add(team, manifest, [signatureOf(text)], call);
  await Promise.all([
    ...texts.slice(0, half).map((text) => add(text)),
    ...texts.slice(half).map(inside),
  ]);
  assert.deepEqual([...(await read())].sort(), [...texts].sort());
});

test("whoever reads on while others are removed and added sees no gap before the end (Z6)", async () => {
  await using server = await world();
  await using client = testClient();
  const { add, read, remove } = storeAt(server, client);
  const stays = ["a", "b", "c", "d"];
  await add(...stays);
  let changing = true;
  const change = async () => {
    for (let round = 0; round < 6; round++) {
      await add(`x${round}`);
      const index = (await read()).indexOf(`x${round}`);
      await remove(index);
    }
    changing = false;
  };
  const watch = async () => {
    while (changing) {
      const seen = await read();
      assert.ok(seen.length >= stays.length, seen.join());
    }
  };
  await Promise.all([change(), watch(), watch()]);
  assert.deepEqual([...(await read())].sort(), stays);
});

test("our client removes its own among others', and cannot remove theirs", async () => {
  const other = toyOrigin();
  other.signatures = [signatureOf("theirs")];
  await using server = await world({ openOrigins: async () => [other.origin] });
  await using client = testClient();
  const { add, read, remove } = storeAt(server, client);
  await add("one", "two", "theirs");
  assert.deepEqual(await read(), ["one", "two", "theirs"]);
  await assert.rejects(remove(2), { message: /status: 409 Conflict$/ });
  await remove(0);
  assert.deepEqual([...(await read())].sort(), ["theirs", "two"]);
});
