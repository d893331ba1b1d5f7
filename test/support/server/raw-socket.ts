import { connect, type Socket } from "node:net";

/** What came over a connection. */
export interface RawAnswer {
  readonly text: string;
  /** Status of each answer in it. */
  readonly statuses: readonly number[];
}

/** Writes bytes as they are, and waits until the server closes the connection. */
export function exchangeRaw(
  port: number,
  ...pieces: readonly (string | Uint8Array)[]
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      const text = Buffer.concat(chunks).toString("latin1");
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
      resolve({ text, statuses });
    });
    for (const piece of pieces) socket.write(piece);
  });
}

/** A connection for a test to do with as it likes, and the first answer that comes whole headers of. */
export function openRaw(port: number): { readonly socket: Socket; headers(): Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  let text = "";
  const headers = () =>
    new Promise<string>((resolve, reject) => {
      const look = (chunk: Buffer) => {
        text += chunk.toString("latin1");
        if (!text.includes("\r\n\r\n")) return;
        socket.off("data", look);
        const end = text.indexOf("\r\n\r\n");
        resolve(text.slice(0, end));
        text = text.slice(end + 4);
      };
      socket.on("data", look);
      socket.on("close", () => reject(new Error(`closed after: ${text}`)));
    });
  return { socket, headers };
}
