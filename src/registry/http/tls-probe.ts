import { plainHttpText } from "./contract.ts";
import { HttpError } from "./errors.ts";
import type { Wire } from "./wire.ts";

/** How long the answer may take before TLS is spoken in earnest. */
const answerMs = 1000;

/**
 * Says TLS's first message on a connection, which is then closed, and throws where the server answers it in plain HTTP.
 * Node's TLS costs 15 ms to load, and hosts for which this is not known speak plain HTTP more often than not. Any other
 * answer, or none, tells nothing: TLS itself is then to be tried.
 *
 * @throws {HttpError} `registry.tls` in the words of a handshake that got such an answer
 */
export async function refutePlainHttp(wire: Wire, signal: AbortSignal): Promise<void> {
  const start = await firstBytes(wire, signal);
  signal.throwIfAborted();
  if (start !== "HTTP/") return;
  throw new HttpError("registry.tls", plainHttpText, { phase: "connect" });
}

/** The first five bytes of the answer, fewer where there are no more in time. */
async function firstBytes(wire: Wire, signal: AbortSignal): Promise<string> {
  const giveUp = () => wire.kill(probed);
  signal.addEventListener("abort", giveUp);
  let start = "";
  try {
    wire.expectWithin(answerMs);
    if (!(await wire.write([clientHello()]))) return start;
    while (start.length < 5 && (await wire.more())) {
      const bytes = wire.inbox.peek();
      const wanted = Math.min(bytes.byteLength, 5 - start.length);
      start += Buffer.from(bytes.buffer, bytes.byteOffset, wanted).toString("latin1");
      wire.skip(wanted);
    }
    return start;
  } catch {
    return start; // whatever it failed by: the handshake to come fails by it too
  } finally {
    signal.removeEventListener("abort", giveUp);
    wire.kill(probed);
  }
}

/** What the connection is closed by; nobody is there to see it. */
const probed = new Error("probe over");

/**
 * RFC 5246 § 7.4.1.2: a record with a ClientHello of TLS 1.2, 32 bytes that need not be secret, no session, the suites of
 * {@link suites}, no compression, and the groups and signatures without which servers of elliptic curves refuse.
 */
function clientHello(): Uint8Array {
  const random = Array.from({ length: 32 }, (_, at) => at);
  const body = [0x03, 0x03, ...random, 0, ...sized(suites), 1, 0, ...sized(extensions)];
  const message = [1, 0, ...sized(body)];
  return Uint8Array.from([0x16, 0x03, 0x01, ...sized(message)]);
}

/** ECDHE with AES-GCM, by ECDSA and by RSA, and RSA alone. */
const suites = [0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30, 0x00, 0x9c];

const extensions = [
  ...[0, 10, ...sized(sized([0, 29, 0, 23, 0, 24]))], // groups: x25519, P-256, P-384
  ...[0, 11, ...sized([1, 0])], // points uncompressed
  ...[0, 13, ...sized(sized([4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1]))], // signatures: ECDSA and RSA, SHA-256 and 384
];

/** After their number, in two bytes. */
function sized(bytes: readonly number[]): readonly number[] {
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
}
