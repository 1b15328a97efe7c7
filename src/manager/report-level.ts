import type { VoiceLevel } from "../log/voice.ts";
import type { Report } from "../service/model.ts";

const levels: { readonly [W in Report["what"]]?: VoiceLevel } = {
  unstartable: "error",
  ended: "warn",
  killed: "warn",
  leftovers: "warn",
  unfinished: "warn",
  permanent: "error",
  "gave-up": "error",
  ready: "debug",
  stopping: "debug",
};

/** How loud a report is told; at `info` where nothing else is said. */
export function levelOf(report: Report): VoiceLevel {
  if (report.what === "ended" && !report.failure) return "info";
  return levels[report.what] ?? "info";
}
