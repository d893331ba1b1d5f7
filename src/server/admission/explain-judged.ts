import { explainVerdict, verdictToJson } from "../../../policy/explain.ts";
import type { DecidedImage, KeptDecision } from "./decision-log.ts";
import type { Judged, JudgedImage } from "./judge.ts";

/** Of so many images a decision tells all; of more, only of those that were not admitted. */
const maxExplained = 32;

/** What came of a judgement, and each of its images with its verdict, for whoever asks later. */
export function explainJudged(judged: Judged): Pick<KeptDecision, "outcome" | "images"> {
  const { outcome, images } = judged;
  const all = images.length <= maxExplained;
  return { outcome, images: images.map((image) => explainImage(image, all)) };
}

function explainImage(image: JudgedImage, whole: boolean): DecidedImage {
  const { digest, platform, attachment, outcome, verdict, failure } = image;
  const allowed = outcome === "admitted";
  const explained = verdict && (whole || !allowed) && !attachment ? verdict : undefined;
  return {
    digest,
    allowed,
    ...(platform !== undefined && { platform }),
    ...(attachment && { attachment }),
    ...(explained && { verdict: verdictToJson(explained), text: explainVerdict(explained) }),
    ...(failure !== undefined && { text: `refused: ${failure}\n` }),
  };
}
