import assert from "node:assert/strict";
import { test } from "node:test";
import { Inbox, LargeBlocks } from "../../../src/registry/http/inbox.ts";

function receive(inbox: Inbox, bytes: Uint8Array): boolean {
  let hungry = true;
  for (let at = 0; at < bytes.byteLength; ) {
    const room = inbox.room();
    const count = Math.min(room.byteLength, bytes.byteLength - at);
    room.set(bytes.subarray(at, at + count));
    hungry = inbox.filled(count);
    at += count;
  }
  return hungry;
}

function letters(count: number, from = 0): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, at) => (from + at) % 251));
}

test("room() is the same memory until it is filled", () => {
  const inbox = new Inbox(new LargeBlocks(false));
  const room = inbox.room();
  assert.equal(inbox.room().byteOffset, room.byteOffset);
  inbox.filled(10);
  assert.equal(inbox.room().byteOffset, room.byteOffset + 10);
});

test("peek(), skip() and take() give the bytes in order, whatever the sizes", () => {
  const inbox = new Inbox(new LargeBlocks(false));
  const content = letters(100_000);
  const seen: Buffer[] = [];
  for (let at = 0, step = 1; at < content.byteLength; at += step, step = (step * 7) % 9973) {
    receive(inbox, content.subarray(at, at + step));
    while (inbox.unread > step % 3) {
      const view = inbox.peek();
      assert.ok(view.byteLength > 0);
      const count = Math.min(view.byteLength, 1 + (step % 1000));
      if (step % 2 === 0) {
        seen.push(Buffer.from(view.subarray(0, count)));
        inbox.skip(count);
      } else {
        inbox.giveBackOldest();
        seen.push(Buffer.from(inbox.take(count)));
      }
    }
  }
  while (inbox.unread > 0) seen.push(Buffer.from(inbox.take(1000)));
  assert.equal(Buffer.compare(Buffer.concat(seen), content), 0);
  assert.equal(inbox.peek().byteLength, 0);
  assert.equal(inbox.take(10).byteLength, 0);
});

test("filled() says when it is enough, and hungry when it is no more", () => {
  const inbox = new Inbox(new LargeBlocks(false));
  let hungry = true;
  while (hungry) hungry = receive(inbox, letters(1000));
  assert.ok(inbox.unread <= 64 * 1024 + 1000);
  assert.equal(inbox.hungry, false);
  while (!inbox.hungry) inbox.skip(Math.min(1000, inbox.peek().byteLength));
  assert.ok(inbox.unread > 0);
});

test("take() lends memory that is used again only for the third chunk after it", () => {
  const inbox = new Inbox(new LargeBlocks(false));
  inbox.large = true;
  const block = 512 * 1024;
  const lent: { readonly chunk: Uint8Array; readonly copy: Buffer }[] = [];
  const memory = new Set<ArrayBufferLike>();
  for (let round = 0; round < 40; round++) {
    receive(inbox, letters(block, round));
    inbox.giveBackOldest();
    const chunk = inbox.take(block);
    memory.add(chunk.buffer);
    lent.push({ chunk, copy: Buffer.from(chunk) });
    for (const { chunk: held, copy } of lent.slice(-3)) {
      assert.equal(Buffer.compare(held, copy), 0, `a chunk changed in round ${round}`);
    }
  }
  assert.ok(memory.size <= 6, `${memory.size} blocks for a stream that keeps three`);
});

test("retireLent() leaves what is lent to its holder for good", () => {
  const spare = new LargeBlocks(false);
  const inbox = new Inbox(spare);
  inbox.large = true;
  receive(inbox, letters(600_000));
  const held = inbox.take(400_000);
  const copy = Buffer.from(held);
  inbox.skip(inbox.peek().byteLength);
  inbox.skip(inbox.peek().byteLength);
  inbox.retireLent();
  const other = new Inbox(spare);
  for (const box of [inbox, other]) {
    box.large = true;
    for (let round = 0; round < 10; round++) {
      receive(box, letters(512 * 1024, 7 + round));
      while (box.unread > 0) {
        box.giveBackOldest();
        box.take(200_000);
      }
    }
  }
  assert.equal(Buffer.compare(held, copy), 0);
});

test("adopt() takes bytes that came in memory of their own", () => {
  const inbox = new Inbox(new LargeBlocks(false));
  for (const text of ["he", "llo"]) {
    inbox.adopt(Buffer.from(text));
    inbox.filled(text.length);
  }
  const taken = [inbox.take(10), inbox.take(10)].map((chunk) => Buffer.from(chunk).toString());
  assert.deepEqual(taken, ["he", "llo"]);
});

test("drop() forgets what was not taken", () => {
  const inbox = new Inbox(new LargeBlocks(false));
  receive(inbox, letters(100));
  inbox.drop();
  assert.equal(inbox.unread, 0);
  assert.equal(inbox.peek().byteLength, 0);
});

test("blocks are of 1 MiB where there is room and few bodies come, and of 512 KiB otherwise", () => {
  const blocks = new LargeBlocks(true);
  const inboxes = Array.from({ length: 9 }, () => new Inbox(blocks));
  const ends = [(inbox: Inbox) => inbox.drop(), (inbox: Inbox) => inbox.retireLent()];
  const sizes: number[] = [];
  for (const inbox of inboxes) {
    inbox.large = true;
    inbox.large = true; // the same body
    sizes.push(inbox.room().byteLength);
  }
  assert.deepEqual(sizes, [...Array(8).fill(1024 * 1024), 512 * 1024]);
  for (const end of ends) {
    const [first] = inboxes;
    assert.ok(first);
    end(first);
    end(first); // it has ended already
    assert.equal(blocks.bytes, 1024 * 1024);
    first.large = true;
    assert.equal(blocks.bytes, 512 * 1024);
  }
  assert.equal(new LargeBlocks(false).bytes, 512 * 1024);
});
