/**
 * A proof of who asks, which AWS itself checks: a request for GetCallerIdentity that the caller signed and did not send. Our function sends it, and
 * STS answers whose signature it is. It is bound to one statement by a signed header, so that it proves nothing else, and AWS takes it for fifteen minutes.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
import { createHash } from "node:crypto";
import { z } from "zod";

/** Name of the signed header that holds the statement's hash. */
export const statementHeader = "x-clean-room-statement";

export const callerProofSchema = z.strictObject({
    /** The signed request's headers by their lower-case names. */
    headers: z
        .record(z.string().regex(/^[a-z0-9-]{1,64}$/), z.string().min(1).max(4096))
        .refine((headers) => Object.keys(headers).length <= 32, "too many headers"),
});
export type CallerProof = z.infer<typeof callerProofSchema>;

/** What a statement is signed as: the same for the same values, whatever the order of their names. */
export function statementHash(statement: Readonly<Record<string, string | boolean | null | readonly string[]>>): string {
    const sorted = Object.entries(statement).sort(([left], [right]) => (left < right ? -1 : 1));
    return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}

/** What is signed by who answers whether instances are contained. */
export const answerStatement = ({
    incidentIds,
    approved,
    reason,
}: {
    incidentIds: readonly string[];
    approved: boolean;
    reason: string | null;
}) => ({ ask: "answer", incidentIds, approved, reason });

/** What is signed by who asks for a release. */
export const releaseStatement = ({
    incidentId,
    force,
    acceptRisk,
    networkOnly,
    retire,
}: {
    incidentId: string;
    force: boolean;
    acceptRisk: string | null;
    networkOnly: boolean;
    retire: string | null;
}) => ({ ask: "release", incidentId, force, acceptRisk, networkOnly, retire });

/** The headers to send, or why the proof proves nothing. @param hash of what it must have been made for */
export function signedHeaders({ headers }: CallerProof, hash: string): { headers: Record<string, string> } | { reason: string } {
    const names = /^AWS4-HMAC-SHA256 Credential=\S+\/sts\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=[0-9a-f]{64}$/
        .exec(headers.authorization ?? "")?.[1]
        ?.split(";");
    if (names === undefined) return { reason: "it is no signed request to STS" };
    if (!names.includes("host") || !names.includes(statementHeader)) return { reason: "its signature does not cover what is asked for" };
    if (headers[statementHeader] !== hash) return { reason: "it was signed for something else" };
    // Only what was signed goes along.
    return {
        headers: {
            ...Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]))),
            authorization: headers.authorization!,
        },
    };
}
