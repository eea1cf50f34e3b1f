/** The plain message by which a person asks for an instance to be contained. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { accountIdSchema, instanceIdSchema, regionSchema } from "../containers";
import { quote } from "./json";
import type { JsonObject } from "./json";
import { readSeverity, severityOfLabel } from "./severity";
import { conclude } from "./concludeFinding";
import type { Verdict } from "./concludeFinding";

const label = z
    .string()
    .refine((text) => severityOfLabel(text) !== null, "a severity is a number from 0 to 10 or LOW, MEDIUM, HIGH, CRITICAL");

/** Strict: a misspelt key in a request typed by hand must not be passed over. */
export const manualMessageSchema = z.strictObject({
    instanceId: instanceIdSchema,
    accountId: accountIdSchema,
    region: regionSchema,
    reason: z.string().min(1).max(2048).optional(),
    severity: z
        .union([z.number().min(0).max(10), label], { error: "a severity is a number from 0 to 10 or LOW, MEDIUM, HIGH, CRITICAL" })
        .optional(),
    evidence: z
        .literal("fresh", { error: 'evidence may only be "fresh": snapshots of now, also where those of an earlier incident stand' })
        .optional(),
});

/** A person who asks for containment means it. */
const defaultSeverity = "HIGH";

/** Judges a manual message. Its id comes from its content: sent again unchanged it opens nothing new; another `reason` does, and that fresh evidence is asked for. */
export function judgeManual(document: JsonObject): Verdict {
    const folded = Object.fromEntries(Object.entries(document).map(([key, value]) => [key.charAt(0).toLowerCase() + key.slice(1), value]));
    const parsed = manualMessageSchema.safeParse(folded);
    if (!parsed.success) {
        const issues = parsed.error.issues
            .slice(0, 4)
            .map((issue) => `${issue.path.length > 0 ? `${issue.path.join(".")}: ` : ""}${quote(issue.message, 160)}`);
        return {
            finding: null,
            refusals: [
                `The manual message cannot be used (${issues.join("; ")}). Send {"instanceId","accountId","region"} and, if you like, "reason", "severity" and "evidence":"fresh".`,
            ],
            aside: null,
            elsewhere: false,
        };
    }
    const { instanceId, accountId, region, reason, severity, evidence } = parsed.data;
    const digest = createHash("sha256")
        .update(JSON.stringify([accountId, region, instanceId, reason ?? "", ...(evidence === undefined ? [] : [evidence])]))
        .digest("hex");
    const verdict = conclude(
        {
            origin: "manual",
            id: `manual-${digest.slice(0, 32)}`,
            type: "Manual:EC2/ContainmentRequested",
            accountId,
            region,
            partition: null,
            severity: readSeverity(severity ?? defaultSeverity),
            title: `Containment of ${instanceId} was requested by hand`,
            description: reason ?? null,
            sample: false,
            createdAt: null,
            updatedAt: null,
            facts: null,
        },
        { instances: [{ instanceId }] },
    );
    if (verdict.finding === null || evidence === undefined) return verdict;
    return { ...verdict, finding: { ...verdict.finding, freshEvidence: true } };
}
