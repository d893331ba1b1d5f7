import * as z from "zod";
import type { ApiDescription } from "./faces.ts";

/** A route of the API, as it was registered. */
export interface ApiRoute {
  readonly method: string;
  /** Fastify's: `/api/v1/decisions/:id`, `/api/v1/tags/*`. */
  readonly url: string;
  readonly api: ApiDescription | undefined;
  /** Who must be somebody for it. */
  readonly right: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** Describes the API in OpenAPI 3.1: what bodies, parameters and answers are comes from the very schemas that judge them. */
export function describeApi(routes: readonly ApiRoute[], version: string): Json {
  const schemas = new SharedSchemas();
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.url.replace(/:(\w+)/g, "{$1}").replace(/\*$/, "{path}");
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = describeRoute(route, path, schemas);
  }
  return {
    openapi: "3.1.0",
    info: { title: "amphora serve", version },
    paths,
    components: {
      schemas: schemas.all,
      securitySchemes: {
        basic: { type: "http", scheme: "basic" },
        bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
      },
    },
    security: [{ basic: [] }, { bearer: [] }],
  };
}

function describeRoute(
  { method, url, api, right }: ApiRoute,
  path: string,
  schemas: SharedSchemas,
): Json {
  const answers = Object.entries(api?.answers ?? {});
  const body = api?.body && {
    required: !z.safeParse(api.body, {}).success,
    content: content(schemas.input(api.body)),
  };
  return {
    operationId: `${method.toLowerCase()}${url.replace(/^\/api\/v1/, "").replace(/[^A-Za-z0-9]+/g, "-")}`,
    summary: api?.summary ?? "",
    ...(right !== undefined && { description: `Needs the right "${right}".` }),
    parameters: [
      ...pathParameters(path, api?.params && schemas.input(api.params)),
      ...listedParameters("query", api?.query && schemas.input(api.query)),
      ...listedParameters("header", api?.headers && schemas.input(api.headers)),
    ],
    ...(body && { requestBody: body }),
    responses: {
      ...(answers.length === 0 && { 200: { description: "Done" } }),
      ...Object.fromEntries(
        answers.map(([status, answer]) => [
          status,
          {
            description: answer.is,
            ...(answer.body && { content: content(schemas.output(answer.body)) }),
          },
        ]),
      ),
      default: { description: "Refused or failed", content: content(errors) },
    },
  };
}

/** As registries answer — OCI distribution-spec § Error Codes. */
const errors: Json = {
  type: "object",
  required: ["errors"],
  properties: {
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["code", "message"],
        properties: { code: { type: "string" }, message: { type: "string" }, detail: {} },
      },
    },
  },
};

function content(schema: Json): Json {
  return { "application/json": { schema } };
}

function pathParameters(path: string, schema: Json | undefined): readonly Json[] {
  const properties = propertiesOf(schema);
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: properties[name] ?? { type: "string" },
  }));
}

/** Of alternatives all are listed, none demanded. */
function listedParameters(where: "query" | "header", schema: Json | undefined): readonly Json[] {
  const alternatives = (schema?.["anyOf"] ?? schema?.["oneOf"]) as readonly Json[] | undefined;
  const required = new Set((schema?.["required"] as readonly string[] | undefined) ?? []);
  const all = (alternatives ?? [schema]).flatMap((each) => Object.entries(propertiesOf(each)));
  return all.map(([name, property]) => ({
    name,
    in: where,
    required: required.has(name),
    schema: property,
  }));
}

function propertiesOf(schema: Json | undefined): Readonly<Record<string, Json>> {
  return (schema?.["properties"] ?? {}) as Readonly<Record<string, Json>>;
}

/** Schemas that have a name of their own stand in one place. */
class SharedSchemas {
  readonly all: Record<string, Json> = {};

  input(schema: z.core.$ZodType): Json {
    return this.#converted(schema, "input");
  }

  output(schema: z.core.$ZodType): Json {
    return this.#converted(schema, "output");
  }

  #converted(schema: z.core.$ZodType, io: "input" | "output"): Json {
    const converted = z.toJSONSchema(schema, { io, unrepresentable: "any", reused: "inline" });
    const { $schema: _, $defs = {}, id, ...rest } = moved(converted) as Record<string, unknown>;
    for (const [name, definition] of Object.entries($defs as Record<string, Json>)) {
      const { id: __, ...plain } = definition;
      this.all[name] ??= plain;
    }
    if (typeof id !== "string") return rest;
    this.all[id] ??= rest;
    return { $ref: `#/components/schemas/${id}` };
  }
}

/** References within a schema become such within the whole document. */
function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === "$ref" && typeof member === "string"
        ? member.replace(/^#\/\$defs\//, "#/components/schemas/")
        : moved(member),
    ]),
  );
}
