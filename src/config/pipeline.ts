// Pipelines of s6-rc: a producer and the consumer that reads its output are two directories beside each other. Here the
// consumer is the producer's logger, as if it stood in `log/`.
import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Problem } from "../base/errors.ts";
import { quoted } from "../base/words.ts";
import { nameFault } from "../spec/kinds.ts";
import { readWhole } from "./read-file.ts";

/** What a directory says of its place in a pipeline. */
export interface Pipeline {
  /** The directory that reads its output; null has none. */
  readonly consumer: string | null;
  /** The services whose output it reads; empty for all but a consumer. */
  readonly producers: readonly string[];
}

const NAMES_MOST = 64 * 1024;

export const noPipeline: Pipeline = Object.freeze({ consumer: null, producers: [] });

const namesIn = (path: string): string[] => {
  const file = readWhole(path, NAMES_MOST);
  if (!file.ok) return [];
  const names = file.bytes.toString("utf8").split("\n");
  return names.map((name) => name.trim()).filter((name) => name !== "" && !name.startsWith("#"));
};

/** Reads `producer-for` and `consumer-for` of the directory `home`, whose entries are `names`. */
export function readPipeline(home: string, names: readonly string[], problems: Problem[]): Pipeline {
  if (!names.includes("producer-for") && !names.includes("consumer-for")) return noPipeline;
  const refuse = (name: string, text: string): Pipeline => {
    problems.push({ severity: "error", where: `${home}/${name}`, text });
    return noPipeline;
  };
  const producers = names.includes("consumer-for") ? namesIn(`${home}/consumer-for`) : [];
  const consumers = names.includes("producer-for") ? namesIn(`${home}/producer-for`) : [];
  const [consumer = null] = consumers;
  for (const name of [...producers, ...consumers]) {
    const fault = nameFault(name);
    if (fault !== null) return refuse("producer-for", `cannot use ${quoted(name)} as the name of a service: ${fault}`);
  }
  if (consumer !== null && producers.length > 0) {
    const text = "cannot use producer-for in a consumer: a pipeline here is one service and one logger";
    return refuse("producer-for", `${text}; let a script of the logger hold the rest of it`);
  }
  if (producers.length > 1) {
    const text = `cannot read the output of ${producers.length} services: a logger here has one`;
    return refuse("consumer-for", `${text}; make a copy of the logger for each`);
  }
  return { consumer, producers };
}

/**
 * The service by which a name is known here: that of its producer for a consumer or a whole pipeline, itself for all
 * others. `directory` is where the services are beside each other.
 */
export function standIn(directory: string, name: string): string {
  const ofConsumer = namesIn(`${directory}/${name}/consumer-for`);
  if (ofConsumer[0] !== undefined) return ofConsumer[0];
  // Only a name that nothing has may be a pipeline's: to find out is to look into every directory.
  if (existsSync(`${directory}/${name}`)) return name;
  return ofPipeline(directory, name) ?? name;
}

/** The producer of the pipeline that a consumer names so. */
function ofPipeline(directory: string, name: string): string | null {
  let siblings: string[];
  try {
    siblings = readdirSync(directory);
  } catch {
    return null; // the scan itself tells of it
  }
  const consumer = siblings.find((sibling) => namesIn(`${directory}/${sibling}/pipeline-name`)[0] === name);
  return consumer === undefined ? null : (namesIn(`${directory}/${consumer}/consumer-for`)[0] ?? null);
}

/** Why these two directories beside each other are no pair, as s6-rc-compile would say it; null if they are one. */
export function pairFault(directory: string, producer: string, consumer: string): string | null {
  if (!namesIn(`${directory}/${producer}/producer-for`).includes(consumer))
    return `${producer} has no producer-for that names ${consumer}`;
  if (!namesIn(`${directory}/${consumer}/consumer-for`).includes(producer))
    return `${consumer} has no consumer-for that names ${producer}`;
  return null;
}

/** The directory of the consumer of `home`. */
export const consumerHome = (home: string, consumer: string): string => `${dirname(home)}/${consumer}`;
