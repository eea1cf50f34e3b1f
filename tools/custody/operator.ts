/** What the commands about a case have in common: whose credentials, which Region, which bucket. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { incidentSchema } from "../../functions/domain/containers";
import { evidenceBucketName, incidentsTableName } from "../../infra/names";

/** What the operator has to mend before anything is asked of AWS. */
export class UsageError extends Error {}

export interface Operator {
    /** ARN of the session. */
    arn: string;
    accountId: string;
    partition: string;
    region: string;
    bucket: string;
}

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

/** The operator's own session, which must be of the forensics account. Sets what the functions' modules read of their environment. */
export async function operator(given: string | undefined): Promise<Operator> {
    const region = given ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (!region) throw new UsageError("No Region given. Use --region or AWS_REGION: the Region of the instance.");
    const { Account, Arn } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    const bucket = evidenceBucketName(Account!, region);
    Object.assign(process.env, { AWS_REGION: region, EVIDENCE_BUCKET: bucket, INCIDENTS_TABLE: incidentsTableName });
    return { arn: Arn!, accountId: Account!, partition: Arn!.split(":")[1]!, region, bucket };
}

/** Runs a command: its exit code, or 2 with what to mend. */
export function runCommand(main: (args: string[]) => Promise<number>, usage: string): void {
    main(process.argv.slice(2)).then(
        (code) => (process.exitCode = code),
        (error: Error) => {
            const advice =
                error instanceof UsageError
                    ? usage
                    : "Check the credentials: they must be of the forensics account, and the Region must have a clean room.";
            console.error(`${["Error", "UsageError"].includes(error.name) ? "" : `${error.name}: `}${error.message}\n${advice}`);
            process.exitCode = 2;
        },
    );
}
