import { exitCodeOf } from "../exit-codes.ts";
import { badCall, type ProxyReply } from "./packets.ts";
import type { Pipes } from "./pipes.ts";
import type { ProxiedImage } from "./proxied-image.ts";

const protocolVersion = "0.2.8";
const noSuchImage = 2;

/** What the methods work with. */
export interface ProxyParts {
  readonly pipes: Pipes;
  /** Opens an image by its name. */
  open(name: string): Promise<ProxiedImage>;
}

/** What a client may call, `specs/skopeo-cli.md` § 1.11 experimental-image-proxy. Calls are answered one by one. */
export class ProxyMethods implements AsyncDisposable {
  readonly #parts: ProxyParts;
  readonly #images = new Map<number, ProxiedImage>();
  #initialized = false;
  #last = 0;

  constructor(parts: ProxyParts) {
    this.#parts = parts;
  }

  /** @throws what the call failed with, for the client to be told */
  async call(method: string, args: readonly unknown[]): Promise<ProxyReply> {
    if (method === "Initialize") return this.#initialize(args);
    if (!this.#initialized) throw badCall("client error: must invoke Initialize");
    const { pipes } = this.#parts;
    switch (method) {
      case "OpenImage":
        return { value: await this.#open(args) };
      case "OpenImageOptional":
        return { value: await this.#openIfThere(args) };
      case "CloseImage":
        return await this.#close(args);
      case "GetManifest": {
        const { digest, bytes } = await this.#only(args).manifest();
        return { value: digest, ...pipes.give(bytes) };
      }
      case "GetFullConfig":
        return pipes.give(Buffer.from(await this.#only(args).fullConfig()));
      case "GetConfig":
        return pipes.give(Buffer.from(configOf(await this.#only(args).fullConfig())));
      case "GetLayerInfo":
        return { value: await this.#only(args).layers() };
      case "GetLayerInfoPiped":
        return pipes.give(Buffer.from(JSON.stringify(await this.#only(args).layers())));
      case "GetBlob":
        return await this.#blob(args);
      case "GetRawBlob":
        return await this.#rawBlob(args);
      case "FinishPipe":
        await pipes.finish(numberOf(oneOf(args)));
        return {};
      default:
        throw badCall(`unknown method: ${method}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const image of this.#images.values()) await image[Symbol.asyncDispose]();
  }

  #initialize(args: readonly unknown[]): ProxyReply {
    if (args.length > 0) throw badCall("invalid request, expecting zero arguments");
    if (this.#initialized) throw badCall("already initialized");
    this.#initialized = true;
    return { value: protocolVersion };
  }

  async #open(args: readonly unknown[]): Promise<number> {
    const name = oneOf(args);
    if (typeof name !== "string") {
      throw badCall(`expecting string imageref, not ${goTypeOf(name)}`);
    }
    const image = await this.#parts.open(name);
    this.#images.set(++this.#last, image);
    return this.#last;
  }

  /** 0 stands for an image that is not there. */
  async #openIfThere(args: readonly unknown[]): Promise<number> {
    try {
      return await this.#open(args);
    } catch (error) {
      if (exitCodeOf(error) === noSuchImage) return 0;
      throw error;
    }
  }

  async #close(args: readonly unknown[]): Promise<ProxyReply> {
    const image = this.#only(args);
    this.#images.delete(numberOf(args[0]));
    await image[Symbol.asyncDispose]();
    return {};
  }

  async #blob(args: readonly unknown[]): Promise<ProxyReply> {
    const [id, digest, size] = exactly(args, "imgid, digest, size");
    const image = this.#image(id);
    const expected = numberOf(size);
    const blob = await image.openBlob(textOf(digest));
    const { size: value } = blob.descriptor;
    const check = () => {
      if (value === expected) return;
      throw badCall(`expected ${BigInt.asUintN(64, BigInt(expected))} bytes in blob, got ${value}`);
    };
    return { value, ...this.#parts.pipes.give(blob, check) };
  }

  async #rawBlob(args: readonly unknown[]): Promise<ProxyReply> {
    const [id, digest] = exactly(args, "imgid, digest");
    const blob = await this.#image(id).openBlob(textOf(digest));
    return { value: blob.descriptor.size, ...this.#parts.pipes.giveWithErrors(blob) };
  }

  #only(args: readonly unknown[]): ProxiedImage {
    return this.#image(oneOf(args));
  }

  #image(id: unknown): ProxiedImage {
    const number = numberOf(id);
    if (number === 0) throw badCall("Invalid imageid value of zero");
    const image = this.#images.get(number);
    if (image) return image;
    throw badCall(`no image ${BigInt.asUintN(64, BigInt(number))}`);
  }
}

/** The part of a config that says how to run the image. */
function configOf(fullConfig: string): string {
  const { config = {} } = JSON.parse(fullConfig);
  return JSON.stringify(config);
}

function oneOf(args: readonly unknown[]): unknown {
  if (args.length !== 1) throw badCall("invalid request, expecting one argument");
  return args[0];
}

function exactly(args: readonly unknown[], names: string): readonly unknown[] {
  if (args.length === names.split(", ").length) return args;
  throw badCall(`found ${args.length} args, expecting (${names})`);
}

/** Whole, as Go converts it. */
function numberOf(value: unknown): number {
  if (typeof value !== "number") throw badCall(`expecting numeric, not ${goTypeOf(value)}`);
  return Math.trunc(value);
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw badCall("expecting string blobid");
  return value;
}

/** What Go calls what it reads from JSON. */
function goTypeOf(value: unknown): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "object") return "map[string]interface {}";
  return typeof value === "number" ? "float64" : typeof value === "boolean" ? "bool" : "string";
}
