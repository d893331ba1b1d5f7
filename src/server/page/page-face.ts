import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Face } from "../shell/faces.ts";
import { pageFolder } from "./page-files.ts";

const files = [
  { url: "/", name: "index.html", type: "text/html; charset=utf-8" },
  { url: "/page/app.js", name: "app.js", type: "text/javascript; charset=utf-8" },
  { url: "/page/page.css", name: "page.css", type: "text/css; charset=utf-8" },
] as const;

/** All of it is the server's own; nothing is let in from elsewhere, and nobody may frame it. */
const contentPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

interface Held {
  readonly bytes: Buffer;
  readonly tag: string;
}

/** The page at `/` and its files, for everybody: what it shows it asks `/api/v1` for. */
export function pageFace(folder: string | URL = pageFolder): Face {
  return (app) => {
    for (const { url, name, type } of files) {
      let held: Promise<Held> | undefined;
      app.get(url, { config: { open: true, operation: "page" } }, async (request, reply) => {
        held ??= hold(folder, name).catch((error: unknown) => {
          held = undefined;
          throw error;
        });
        return await send(await held, type, request, reply);
      });
    }
  };
}

async function hold(folder: string | URL, name: string): Promise<Held> {
  const path = typeof folder === "string" ? `${folder}/${name}` : new URL(name, folder);
  const bytes = await readFile(path);
  return { bytes, tag: `"${createHash("sha256").update(bytes).digest("base64url")}"` };
}

/** Kept by browsers, and asked after each time: a new version shows at once. */
async function send(
  { bytes, tag }: Held,
  type: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.headers({
    "Content-Type": type,
    "Content-Security-Policy": contentPolicy,
    "Cache-Control": "no-cache",
    ETag: tag,
  });
  if (request.headers["if-none-match"] === tag) return await reply.code(304).send();
  return await reply.send(bytes);
}
