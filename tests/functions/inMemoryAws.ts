/** The accounts of an incident in memory, put under the AWS SDK's clients for one spec. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { SSMClient } from "@aws-sdk/client-ssm";
import { SupportClient } from "@aws-sdk/client-support";
import { forensicsClient } from "../../functions/aws/clients";
import type { Evidence, Incident } from "../../functions/domain/containers";
import { proposeIncidents } from "../../functions/domain/proposeIncidents";
import { parseMessage } from "../../functions/domain/parseMessage";
import { InMemoryAccounts } from "../support/aws/accounts";
import { awsError } from "../support/aws/errors";
import { InMemoryKms } from "../support/aws/kms";
import { perform } from "../support/aws/operations";
import { fixtureText } from "./domain/messageFixtures";
import { InMemoryEc2 } from "../support/aws/ec2";

export const forensicsAccountId = "111111111111";
export const incident: Incident = proposeIncidents(
    parseMessage(fixtureText("eventbridge")).findings,
    new Date("2026-11-24T10:00:00.000Z"),
)[0]!;

export const environmentOfSteps: Record<string, string> = {
    AWS_REGION: incident.instance.region,
    PARTITION: "aws",
    RESPONDER_ROLE_NAME: "clean-room-responder",
    FORENSICS_ACCOUNT_ID: forensicsAccountId,
    INCIDENTS_TABLE: "incidents",
    EVIDENCE_BUCKET: "evidence",
    CUSTODY_KEY_ARN: "arn:aws:kms:eu-west-1:111111111111:key/custody",
    EVIDENCE_KEY_ARN: "arn:aws:kms:eu-west-1:111111111111:key/evidence",
    LOCK_MODE: "governance",
    LOCK_DAYS: "365",
    FORENSIC_SUBNET_IDS: "subnet-a,subnet-b",
    FORENSIC_SECURITY_GROUP_ID: "sg-forensic",
    FORENSIC_INSTANCE_PROFILE_ARN: "arn:aws:iam::111111111111:instance-profile/forensic",
    FORENSIC_ROLE_ID: "AROAEXAMPLEID",
    FORENSIC_INSTANCE_TYPE: "m6i.large",
    FORENSIC_IMAGE_ID: "",
    FORENSIC_IMAGE_PARAMETER: "/aws/service/image",
    DOCUMENT_NAME: "clean-room-analysis",
    DOCUMENT_VERSION: "1",
    TOOL_BUCKET: "tools",
    TOOL_KEY: "analysis/tool.tar.gz",
    TOOL_SHA256: "a".repeat(64),
    PYTHON_VERSION: "3.12",
    ANALYSIS_TIMEOUT_SECONDS: "14400",
    HASH_TWICE: "false",
    SUPPORT_ENABLED: "true",
    SUPPORT_KIND: "support-case",
    SUPPORT_REGION: "eu-west-1",
    SUPPORT_SEVERITY: "urgent",
    SUPPORT_LANGUAGE: "en",
    SUPPORT_CC: "",
};

type Answer = (name: string, input: Record<string, unknown>) => unknown;

export class InMemoryAws extends InMemoryAccounts {
    readonly member = new InMemoryEc2(incident.instance.accountId);
    readonly forensics = new InMemoryEc2(forensicsAccountId);
    readonly kms = new InMemoryKms();
    /** Errors that the next calls of the incidents table end with, in order; null lets one through. */
    readonly tableErrors: (string | null)[] = [];
    /** The instance's standing containment in the incidents table. */
    standing: Record<string, unknown> | null = null;
    /** What Systems Manager and Support answer; a spec that calls them says so. */
    ssm: Answer = (name) => {
        throw new Error(`${name} was not expected`);
    };
    support: Answer = (name) => {
        throw new Error(`${name} was not expected`);
    };

    constructor() {
        super();
        this.member.other = this.forensics;
        this.forensics.other = this.member;
    }

    /** Puts this AWS under the clients and sets the steps' environment. Call {@link remove} afterwards. */
    install(): void {
        this.stand(environmentOfSteps, [EC2Client, S3Client, DynamoDBClient, KMSClient, SSMClient, SupportClient]);
    }

    protected override accountOf(client: unknown): InMemoryEc2 | undefined {
        if (!(client instanceof EC2Client)) return undefined;
        return client === forensicsClient(EC2Client) ? this.forensics : this.member;
    }

    perform(name: string, input: Record<string, unknown>, client: unknown): unknown {
        const ec2 = this.accountOf(client);
        if (ec2) return ec2.send(name, input);
        if (client instanceof SSMClient) return this.ssm(name, input);
        if (client instanceof SupportClient) return this.support(name, input);
        if (client instanceof DynamoDBClient) return this.dynamoDb(name, input);
        return perform([this.s3, this.kms], name, input);
    }

    /** Called before each write of an object, for what another step does at that moment. */
    set beforePut(call: ((key: string) => void) | null) {
        this.s3.beforePut = call;
    }

    settle(): void {
        this.member.settle();
        this.forensics.settle();
    }

    /** Calls a step as the workflow does: again after every NotYet, when what it waits for has come. @returns its answer and the calls it took */
    async until<T>(handler: (event: unknown) => Promise<T>, event: unknown, most = 20): Promise<{ answer: T; calls: number }> {
        for (let calls = 1; ; calls++) {
            try {
                return { answer: await handler(event), calls };
            } catch (error) {
                if ((error as Error).name !== "NotYet" || calls === most) throw error;
                this.settle();
            }
        }
    }

    /** Writes an object as somebody else does, past every condition. */
    overwrite(key: string, body: string, at?: Date): string {
        return this.s3.overwrite(key, body, at);
    }

    private dynamoDb(name: string, input: Record<string, unknown>): unknown {
        const key = (input.Key as { pk: { S: string } } | undefined)?.pk.S ?? "";
        if (name === "GetItem" && key.startsWith("containment#")) return this.standing ? { Item: this.standing } : {};
        const refusal = this.tableErrors.shift();
        if (refusal) throw awsError(refusal);
        return this.table.send(name, input);
    }
}

/** Evidence of some volumes, with its snapshots in the forensics account. */
export function evidenceOf(aws: InMemoryAws, volumes: { root: boolean; device: string; sizeGiB: number }[]): Evidence {
    return {
        schemaVersion: 1,
        incidentId: incident.incidentId,
        snapshots: volumes.map((volume, index) => {
            const evidenceSnapshotId = `snap-${String(index).padStart(17, "e")}`;
            aws.forensics.snapshots.set(evidenceSnapshotId, {
                SnapshotId: evidenceSnapshotId,
                State: "completed",
                VolumeSize: volume.sizeGiB,
            });
            return {
                ...volume,
                volumeId: `vol-${String(index).padStart(17, "a")}`,
                sourceEncrypted: false,
                sourceSnapshotId: `snap-${String(index).padStart(17, "b")}`,
                sharedSnapshotId: null,
                evidenceSnapshotId,
                startedAt: "2026-11-24T10:00:00.000Z",
                lock: { mode: "governance" as const, expiresAt: "2027-11-24T10:00:00.000Z" },
            };
        }),
        missing: [],
        anomalies: [],
        completedAt: "2026-11-24T10:05:00.000Z",
    };
}

/** What a step throws. @throws when it throws nothing */
export async function thrown(run: Promise<unknown>): Promise<Error> {
    try {
        await run;
    } catch (error) {
        return error as Error;
    }
    throw new Error("the step was expected to fail");
}
