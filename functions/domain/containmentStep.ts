import { z } from "zod";
import { untrustedText } from "./findingFacts";

/** One thing containment did, found already done, or (`planned`) would have done if it had been allowed to. */
export const containmentStepSchema = z.object({
    name: z.string().max(64),
    outcome: z.enum(["done", "already-done", "not-needed", "failed", "planned"]),
    /** ISO 8601. */
    at: z.iso.datetime(),
    detail: untrustedText(512),
});
export type ContainmentStep = z.infer<typeof containmentStepSchema>;
