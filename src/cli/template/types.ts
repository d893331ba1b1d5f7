import { goTime } from "./go-time.ts";
import {
  bool,
  type GoField,
  type GoType,
  goBool,
  goError,
  goInt64,
  goString,
  goStringMap,
  goStrings,
  int,
  mapOf,
  pointerTo,
  sliceOf,
  text,
} from "./go-type.ts";

// The Go types behind `inspect --format`: field by field as skopeo 1.22 has them, since templates name the fields.

const hashBytes: Readonly<Record<string, number>> = { sha256: 32, sha384: 48, sha512: 64 };

const goAlgorithm: GoType = {
  name: "digest.Algorithm",
  kind: "string",
  toText: String,
  methods: {
    String: { parameters: [], call: (raw) => text(String(raw)) },
    Size: { parameters: [], call: (raw) => int(hashBytes[String(raw)] ?? 0) },
    Available: { parameters: [], call: (raw) => bool(Object.hasOwn(hashBytes, String(raw))) },
  },
};

const goDigest: GoType = {
  name: "digest.Digest",
  kind: "string",
  toText: String,
  methods: {
    String: { parameters: [], call: (raw) => text(String(raw)) },
    Algorithm: {
      parameters: [],
      call: (raw) => ({ type: goAlgorithm, raw: String(raw).split(":")[0] ?? "" }),
    },
    Encoded: { parameters: [], call: (raw) => text(afterColon(raw)) },
    Hex: { parameters: [], call: (raw) => text(afterColon(raw)) },
    // Digests that are not valid do not get this far.
    Validate: { parameters: [], call: () => ({ type: goError, raw: null }) },
  },
};

function afterColon(raw: unknown): string {
  const digest = String(raw);
  return digest.slice(digest.indexOf(":") + 1);
}

function field(name: string, type: GoType, key: string = name): GoField {
  return { name, type, key };
}

function optional(name: string, type: GoType, key: string = name): GoField {
  return { name, type, key, omitEmpty: true };
}

function struct(name: string, fields: readonly GoField[]): GoType {
  return { name, kind: "struct", fields };
}

const layerType = struct("types.ImageInspectLayer", [
  field("MIMEType", goString),
  field("Digest", goDigest),
  field("Size", goInt64),
  field("Annotations", goStringMap),
]);

/** What `inspect` shows of an image. */
export const inspectOutputType = struct("inspect.Output", [
  optional("Name", goString),
  optional("Tag", goString),
  field("Digest", goDigest),
  field("RepoTags", goStrings),
  field("Created", pointerTo(goTime)),
  field("DockerVersion", goString),
  field("Labels", goStringMap),
  field("Architecture", goString),
  field("Os", goString),
  field("Layers", goStrings),
  field("LayersData", sliceOf(layerType)),
  field("Env", goStrings),
]);

const textSet = mapOf(struct("struct {}", []));

const platformType = struct("v1.Platform", [
  field("Architecture", goString, "architecture"),
  field("OS", goString, "os"),
  optional("OSVersion", goString, "os.version"),
  optional("OSFeatures", goStrings, "os.features"),
  optional("Variant", goString, "variant"),
]);

const configType = struct("v1.ImageConfig", [
  optional("User", goString),
  optional("ExposedPorts", textSet),
  optional("Env", goStrings),
  optional("Entrypoint", goStrings),
  optional("Cmd", goStrings),
  optional("Volumes", textSet),
  optional("WorkingDir", goString),
  optional("Labels", goStringMap),
  optional("StopSignal", goString),
  optional("ArgsEscaped", goBool),
]);

const historyType = struct("v1.History", [
  optional("Created", pointerTo(goTime), "created"),
  optional("CreatedBy", goString, "created_by"),
  optional("Author", goString, "author"),
  optional("Comment", goString, "comment"),
  optional("EmptyLayer", goBool, "empty_layer"),
]);

/** What `inspect --config` shows: a pointer, as the methods of Go's type want it. */
export const imageConfigType = pointerTo(
  struct("v1.Image", [
    optional("Created", pointerTo(goTime), "created"),
    optional("Author", goString, "author"),
    { name: "Platform", type: platformType, key: "", embedded: true },
    optional("Config", configType, "config"),
    field(
      "RootFS",
      struct("v1.RootFS", [
        field("Type", goString, "type"),
        field("DiffIDs", sliceOf(goDigest), "diff_ids"),
      ]),
      "rootfs",
    ),
    optional("History", sliceOf(historyType), "history"),
  ]),
);
