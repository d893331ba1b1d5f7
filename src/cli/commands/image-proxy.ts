import { closeSync, fstatSync } from "node:fs";
import { UsageError } from "../../core/errors.ts";
import { SystemCallError } from "../../libc/libc.ts";
import type { CommandContext } from "../context.ts";
import { ProxyMethods } from "../image-proxy/methods.ts";
import {
  type ProxyReply,
  parseRequest,
  readPackets,
  sendFailure,
  sendReply,
} from "../image-proxy/packets.ts";
import { Pipes } from "../image-proxy/pipes.ts";
import { openProxiedImage } from "../image-proxy/proxied-image.ts";
import { endSettings } from "../settings.ts";

/** `experimental-image-proxy`: answers the calls that come over a socket which whoever started this has passed on. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, globals, signal } = context;
  if (args.length > 0) throw unusable(`accepts 0 arg(s), received ${args.length}`);
  const socket = flags.number("sockfd");
  checkSocket(socket);
  const parts = await context.parts();
  const end = await parts.end(endSettings(flags, globals, ""));
  using pipes = new Pipes(signal);
  await using methods = new ProxyMethods({
    pipes,
    async open(name) {
      const image = await end.resolve(name, "source", { signal });
      const gate = () => parts.gate();
      return await openProxiedImage(image, { gate, platform: parts.platform, signal });
    },
  });
  for await (const packet of readPackets(socket, signal)) {
    if (!(await answer(socket, methods, packet))) return;
  }
}

/** @throws {UsageError} `usage.bad-flag` in Go's words for what is no socket, and could be a file of this very program */
function checkSocket(descriptor: number): void {
  if (!isOpen(descriptor)) throw unusable("file file+net sock: fcntl: bad file descriptor");
  if (!fstatSync(descriptor).isSocket())
    throw unusable("file file+net sock: getsockopt: socket operation on non-socket");
}

function isOpen(descriptor: number): boolean {
  try {
    return fstatSync(descriptor) !== undefined;
  } catch {
    return false;
  }
}

function unusable(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}

/** Whether more is to be answered: `Shutdown` is the one call that gets no answer, and who has gone gets none. */
async function answer(socket: number, methods: ProxyMethods, packet: Buffer): Promise<boolean> {
  try {
    return await answerCall(socket, methods, packet);
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "EPIPE") return false;
    throw error;
  }
}

async function answerCall(socket: number, methods: ProxyMethods, packet: Buffer): Promise<boolean> {
  let reply: ProxyReply;
  try {
    const { method, args } = parseRequest(packet);
    if (method === "Shutdown") return false;
    reply = await methods.call(method, args);
  } catch (error) {
    sendFailure(socket, error);
    return true;
  }
  try {
    sendReply(socket, reply);
  } finally {
    for (const descriptor of reply.descriptors ?? []) closeSync(descriptor);
  }
  return true;
}
