import type { PolicyPackArgs } from "@pulumi/policy";
import { isolationGroupHasNoRules } from "./isolationGroupHasNoRules";

/** Name under which the engine reports the pack. */
export const packName = "ec2-clean-room";

/** Every policy of the pack. Importing this file starts nothing; `index.ts` serves it. */
export const policies: PolicyPackArgs["policies"] = [isolationGroupHasNoRules];
