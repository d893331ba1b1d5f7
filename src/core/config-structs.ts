import { goBool, goInt, goText, goTime, goUnit, namedInt, namedText } from "./go-scalars.ts";
import { always, embedded, goList, goMapOf, goPointer, goStruct, omitEmpty } from "./go-struct.ts";
import { type GoType, Reading } from "./go-type.ts";
import { platformFields } from "./manifest-structs.ts";

// Image configs, member by member in the order in which the Go tools write them.

const texts = goList(goText);
const textMap = goMapOf(goText);
const textSet = goMapOf(goUnit);
const goDuration = namedInt("time.Duration");
const goDigest = namedText("digest.Digest");

const ociImageConfig = goStruct("v1.ImageConfig", {
  User: omitEmpty(goText),
  ExposedPorts: omitEmpty(textSet),
  Env: omitEmpty(texts),
  Entrypoint: omitEmpty(texts),
  Cmd: omitEmpty(texts),
  Volumes: omitEmpty(textSet),
  WorkingDir: omitEmpty(goText),
  Labels: omitEmpty(textMap),
  StopSignal: omitEmpty(goText),
  ArgsEscaped: omitEmpty(goBool),
});

/** OCI image-spec v1.Image: what OCI keeps of a config. */
export const ociImage = goStruct("v1.Image", {
  created: omitEmpty(goPointer(goTime)),
  author: omitEmpty(goText),
  ...embedded("Platform", platformFields),
  config: omitEmpty(ociImageConfig),
  rootfs: always(
    goStruct("v1.RootFS", {
      type: always(goText),
      diff_ids: always(goList(goDigest)),
    }),
  ),
  history: omitEmpty(
    goList(
      goStruct("v1.History", {
        created: omitEmpty(goPointer(goTime)),
        created_by: omitEmpty(goText),
        author: omitEmpty(goText),
        comment: omitEmpty(goText),
        empty_layer: omitEmpty(goBool),
      }),
    ),
  ),
});

/** containers/image StrSlice: a command as a list, or as one text. */
const command: GoType<readonly string[] | null> = {
  ...texts,
  name: "strslice.StrSlice",
  read(node, current, reading) {
    if (typeof node === "string") return [node];
    const attempt = new Reading();
    const list = texts.read(node, current, attempt);
    if (attempt.failure !== undefined) reading.mismatch(node, goText.name);
    return list;
  },
};

/** containers/image Schema2Config. */
const dockerContainerConfig = goStruct("manifest.Schema2Config", {
  Hostname: always(goText),
  Domainname: always(goText),
  User: always(goText),
  AttachStdin: always(goBool),
  AttachStdout: always(goBool),
  AttachStderr: always(goBool),
  ExposedPorts: omitEmpty(textSet),
  Tty: always(goBool),
  OpenStdin: always(goBool),
  StdinOnce: always(goBool),
  Env: always(texts),
  Cmd: always(command),
  Healthcheck: omitEmpty(
    goPointer(
      goStruct("manifest.Schema2HealthConfig", {
        Test: omitEmpty(texts),
        StartPeriod: omitEmpty(goDuration),
        StartInterval: omitEmpty(goDuration),
        Interval: omitEmpty(goDuration),
        Timeout: omitEmpty(goDuration),
        Retries: omitEmpty(namedInt("int")),
      }),
    ),
  ),
  ArgsEscaped: omitEmpty(goBool),
  Image: always(goText),
  Volumes: always(textSet),
  WorkingDir: always(goText),
  Entrypoint: always(command),
  NetworkDisabled: omitEmpty(goBool),
  MacAddress: omitEmpty(goText),
  OnBuild: always(texts),
  Labels: always(textMap),
  StopSignal: omitEmpty(goText),
  StopTimeout: omitEmpty(goPointer(namedInt("int"))),
  Shell: omitEmpty(command),
});

const v1ImageFields = {
  id: omitEmpty(goText),
  parent: omitEmpty(goText),
  comment: omitEmpty(goText),
  created: always(goTime),
  container: omitEmpty(goText),
  container_config: omitEmpty(dockerContainerConfig),
  docker_version: omitEmpty(goText),
  author: omitEmpty(goText),
  config: omitEmpty(goPointer(dockerContainerConfig)),
  architecture: omitEmpty(goText),
  variant: omitEmpty(goText),
  os: omitEmpty(goText),
  Size: omitEmpty(goInt),
} as const;

/** containers/image Schema2V1Image: a config as schema 1 keeps it in its top history entry. */
export const dockerV1Image = goStruct("manifest.Schema2V1Image", v1ImageFields);

/** containers/image Schema2History. */
export const dockerHistory = goList(
  goStruct("manifest.Schema2History", {
    created: always(goTime),
    author: omitEmpty(goText),
    created_by: omitEmpty(goText),
    comment: omitEmpty(goText),
    empty_layer: omitEmpty(goBool),
  }),
);

/** containers/image Schema2RootFS. */
export const dockerRootFs = goStruct("manifest.Schema2RootFS", {
  type: always(goText),
  diff_ids: omitEmpty(goList(goDigest)),
});

/** containers/image Schema2Image. */
export const dockerImage = goStruct("manifest.Schema2Image", {
  ...embedded("Schema2V1Image", v1ImageFields),
  rootfs: omitEmpty(goPointer(dockerRootFs)),
  history: omitEmpty(dockerHistory),
  "os.version": omitEmpty(goText),
  "os.features": omitEmpty(texts),
});

/** containers/image Schema1V1Compatibility: what is read of a schema 1 history entry. */
export const v1Compatibility = goStruct("manifest.Schema1V1Compatibility", {
  id: always(goText),
  parent: omitEmpty(goText),
  comment: omitEmpty(goText),
  created: always(goTime),
  container_config: omitEmpty(
    goStruct("manifest.schema1V1CompatibilityContainerConfig", { Cmd: always(texts) }),
  ),
  author: omitEmpty(goText),
  throwaway: omitEmpty(goBool),
});
