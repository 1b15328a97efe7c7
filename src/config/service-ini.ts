import type { Problem } from "../base/errors.ts";
import { type ServiceValues, serviceKeys } from "../spec/keys.ts";
import { INI_MOST, readIni } from "./ini-text.ts";
import { readWhole } from "./read-file.ts";
import { type Layer, readKeys, serviceLayer, spellingsOf, unknownKeys, unknownSections } from "./read-keys.ts";

/** The keys of a service by spelling. */
export const serviceSpellings = spellingsOf<ServiceValues>(serviceKeys);

/** The section whose keys are the same as those before any section. */
export const SERVICE_SECTION = "service";

/** Reads one service.ini; keys stand before any section or in `[service]`, beside `[env]` and `[limits]`. */
export function readServiceIni(path: string): Layer & { readonly problems: readonly Problem[] } {
  const file = readWhole(path, INI_MOST);
  if (!file.ok) {
    const text = `cannot read service.ini: ${file.why}`;
    return { values: {}, source: {}, problems: [{ severity: "error", where: path, text }] };
  }
  const text = readIni(file.bytes, path, [SERVICE_SECTION]);
  const reading = readKeys(text.sections.get(""), serviceSpellings);
  const layer = serviceLayer(reading, text);
  return {
    ...layer,
    problems: [
      ...text.problems,
      ...unknownSections(text, [SERVICE_SECTION, "env", "limits"]),
      ...unknownKeys(reading.unknown, [serviceSpellings]),
      ...layer.problems,
    ],
  };
}
