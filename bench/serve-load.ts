import { connect, type Socket } from "node:net";

/**
 * A process that asks one server for one thing over and over, over connections that stay:
 * `node serve-load.ts PORT PATH[,PATH…] CONNECTIONS REQUESTS`, each connection for the next of the paths. It counts bytes and looks at the head of the first answer of each
 * connection alone, so that it is seldom what is measured. Prints what it did as JSON.
 */
const [port = "", paths = "", connections = "1", requests = "1"] = process.argv.slice(2);
const accept = "application/vnd.oci.image.manifest.v1+json, application/octet-stream, */*";
const asks = paths
  .split(",")
  .map((path) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: ${accept}\r\n\r\n`);
const total = Number(requests);

let asked = 0;
let answered = 0;
let bytes = 0;

/** Asks until all was asked for. */
function run(socket: Socket, number: number): Promise<void> {
  const ask = asks[number % asks.length] ?? "";
  return new Promise((resolve, reject) => {
    let head = "";
    let length = 0; // of a whole answer, head and body; 0 until it is known
    let left = 0;
    const next = () => {
      if (asked >= total) return void resolve(void socket.end());
      asked++;
      left += length;
      socket.write(ask);
    };
    const learn = (chunk: Buffer): boolean => {
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end === -1) return false;
      const body = Number(/^content-length: *(\d+)/im.exec(head.slice(0, end))?.[1]);
      if (!/^HTTP\/1\.1 200 /.test(head) || !(body >= 0)) throw new Error(head.slice(0, end));
      length = end + 4 + body;
      left = length - head.length;
      return true;
    };
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (length > 0) left -= chunk.length;
      else if (!learn(chunk)) return;
      if (left > 0) return;
      answered++;
      next();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed")));
    socket.setNoDelay(true);
    next();
  });
}

const sockets = Array.from({ length: Number(connections) }, () =>
  connect(Number(port), "127.0.0.1"),
);
const began = performance.now();
await Promise.all(sockets.map(run));
process.stdout.write(JSON.stringify({ answered, bytes, wallMs: performance.now() - began }));
