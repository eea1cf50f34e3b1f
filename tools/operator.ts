/** What the commands about an incident have in common: which incident, which Region, whose credentials, which bucket. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { incidentSchema } from "../functions/domain/containers";
import { evidenceBucketName, incidentsTableName } from "../infra/names";
import { UsageError } from "./command";

export interface Operator {
    /** ARN of the session. */
    arn: string;
    accountId: string;
    partition: string;
    region: string;
    bucket: string;
}

/** Options that most commands about incidents take. */
export const regionOption = {
    type: "string",
    description: "Region of the instance; AWS_REGION when left out",
} as const;
export const jsonOption = { type: "boolean", description: "one object, on stdout, in the place of lines for people" } as const;

/** @throws UsageError where the text is no incident id */
export function readIncidentId(text: string | undefined): string {
    const parsed = incidentSchema.shape.incidentId.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new UsageError(
        text === undefined
            ? "No incident given."
            : `"${text}" is no incident id; it looks like i-0123456789abcdef0-0123456789abcdef and stands in every message about the incident.`,
    );
}

/** The Region to ask. Sets what the functions' modules read of their environment. @throws UsageError where none is given */
export function readRegion(given: string | undefined): string {
    const region = given ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (!region) throw new UsageError("No Region given. Use --region or AWS_REGION: the Region of the instance.");
    Object.assign(process.env, { AWS_REGION: region, INCIDENTS_TABLE: incidentsTableName });
    return region;
}

/** The operator's own session, which must be of the forensics account. Sets what the functions' modules read of their environment. */
export async function operator(given: string | undefined): Promise<Operator> {
    const region = readRegion(given);
    const { Account, Arn } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    const bucket = evidenceBucketName(Account!, region);
    process.env.EVIDENCE_BUCKET = bucket;
    return { arn: Arn!, accountId: Account!, partition: Arn!.split(":")[1]!, region, bucket };
}
