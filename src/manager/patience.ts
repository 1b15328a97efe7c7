import type { ServiceSpec } from "../spec/spec.ts";

/** True if a letter in `control` never has it killed: in runit only `force-stop` and its kin do, and who wants it otherwise has said so. */
export const isPatient = ({ source }: ServiceSpec): boolean => source["stop-grace"] === undefined;
