/**
 * AWS SDK clients for the two sides of an incident: the forensics account, as the function's own role, and the member
 * account, as the responder role that only the forensics account's functions may assume.
 *
 * Clients are made once per execution environment and target, and kept: a warm function makes no new connection.
 */
import { EC2Client } from "@aws-sdk/client-ec2";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { recordCalls } from "./custody/recorder";
import { environment } from "./environment";
import { errorCode } from "./errors";
import { rolePath, tagCreations } from "./everyFunction";
import type { InstanceRef } from "../domain/containers";

/** What every SDK v3 client's constructor takes of ours. */
export interface ClientSettings {
    region: string;
    maxAttempts: number;
    retryMode: "standard";
    credentials?: EC2Client["config"]["credentials"];
}
export type ClientClass<C> = new (settings: ClientSettings) => C;

/** The SDK retries throttling and lost connections this many times in all before a step sees an error. */
const maxAttempts = 5;
const cache = new Map<string, unknown>();

function cached<C>(key: string, make: () => C): C {
    let client = cache.get(key) as C | undefined;
    if (!client) cache.set(key, (client = make()));
    return client;
}

/** As in a new execution environment: for what asks whether a role can be assumed now, and for specs, which play many in one process. */
export function forgetClients(): void {
    cache.clear();
}

/** ARN of the function's own session, for the custody log; asked of STS once, and never failing. */
export async function ownArn(): Promise<string> {
    const region = environment("AWS_REGION");
    try {
        const sts = cached(`caller/${region}`, () => new STSClient({ region, maxAttempts }));
        const { Arn } = await cached(`caller/arn/${region}`, () => sts.send(new GetCallerIdentityCommand({})));
        return Arn ?? "unknown";
    } catch (error) {
        cache.delete(`caller/arn/${region}`);
        return `unknown (${errorCode(error)})`;
    }
}

/** A client in the forensics account. @param region defaults to the function's own Region. */
export function forensicsClient<C>(Client: ClientClass<C>, region: string = environment("AWS_REGION")): C {
    return cached(`${Client.name}/${region}`, () =>
        recordCalls(tagCreations(new Client({ region, maxAttempts, retryMode: "standard" })), ownArn),
    );
}

/** The responder role of a member account. Its name is the same in every account. */
export function responderRoleArn(accountId: string): string {
    return `arn:${environment("PARTITION")}:iam::${accountId}:role${rolePath()}${environment("RESPONDER_ROLE_NAME")}`;
}

/**
 * A client in the member account and Region of the instance, as its responder role.
 *
 * The session is named after the incident, so that the member's CloudTrail tells which incident made each call.
 */
export function memberClient<C>(Client: ClientClass<C>, instance: InstanceRef, incidentId: string): C {
    const key = `${instance.accountId}/${incidentId}`;
    // Each client assumes the role for itself when it is given the provider; a client's own configuration holds the provider
    // with a memory, so that the clients that share it assume the role once and renew it together.
    const credentials = cached(
        `credentials/${key}`,
        () =>
            new EC2Client({
                region: instance.region,
                credentials: fromTemporaryCredentials({
                    clientConfig: { region: instance.region, maxAttempts },
                    params: {
                        RoleArn: responderRoleArn(instance.accountId),
                        RoleSessionName: incidentId.slice(0, 64),
                        DurationSeconds: 3600,
                    },
                }),
            }).config.credentials,
    );
    // A session's ARN leaves out the path of its role.
    const session = `arn:${environment("PARTITION")}:sts::${instance.accountId}:assumed-role/${environment("RESPONDER_ROLE_NAME")}`;
    return cached(`${Client.name}/${instance.region}/${key}`, () =>
        recordCalls(tagCreations(new Client({ region: instance.region, maxAttempts, retryMode: "standard", credentials })), () =>
            Promise.resolve(`${session}/${incidentId.slice(0, 64)}`),
        ),
    );
}
