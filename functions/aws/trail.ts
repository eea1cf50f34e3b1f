/**
 * Who did it, as the member's CloudTrail tells: best effort. Events come some minutes after the call, LookupEvents answers twice a
 * second for an account and Region, and whoever ends the trail of an organisation does not end the event history, which is AWS's own.
 */
import { CloudTrailClient, LookupEventsCommand, type LookupAttributeKey } from "@aws-sdk/client-cloudtrail";
import { z } from "zod";
import { environment } from "./environment";
import type { Permissions } from "./permissions";
import { victimOf, type Victim } from "./victim";

/** LookupEvents has no resource-level permissions. */
export const readTrailPermissions: Permissions = () => [
    { Sid: "ReadEventHistory", Effect: "Allow", Action: ["cloudtrail:LookupEvents"], Resource: ["*"] },
];

const identitySchema = z
    .object({
        type: z.string().optional(),
        arn: z.string().optional(),
        invokedBy: z.string().optional(),
        sessionContext: z
            .object({ sessionIssuer: z.object({ arn: z.string().optional(), userName: z.string().optional() }).partial().optional() })
            .partial()
            .optional(),
    })
    .partial();

/** Of an event what we use; CloudTrail's "record contents" names all of it. */
const eventSchema = z.object({
    eventName: z.string(),
    eventTime: z.string(),
    sourceIPAddress: z.string().optional(),
    errorCode: z.string().optional(),
    userIdentity: identitySchema.optional(),
    requestParameters: z.record(z.string(), z.unknown()).nullish(),
    responseElements: z.record(z.string(), z.unknown()).nullish(),
});
export type TrailEvent = z.infer<typeof eventSchema>;

/** Regions in which the events of IAM and other global services are recorded, by partition. */
const globalRegions: Record<string, string> = { "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1" };

/** Milliseconds that one lookup may take, with its repetitions. */
const longest = 8000;

export interface Lookup {
    attribute: LookupAttributeKey;
    value: string;
    /** ISO 8601. */
    since: string;
    /** Pages of 50 events that are read at most, the newest first. @default 1 */
    pages?: number;
    /** Of a global service, whose events lie in one Region. */
    global?: boolean;
}

/** Events that succeeded and that are not our own, the newest first. @throws what CloudTrail answers */
export async function lookUp(victim: Victim, { attribute, value, since, pages = 1, global = false }: Lookup): Promise<TrailEvent[]> {
    const region = globalRegions[environment("PARTITION")] ?? "us-east-1";
    const at = global ? victimOf({ ...victim.ref, region }, victim.incidentId) : victim;
    const found: TrailEvent[] = [];
    const abortSignal = AbortSignal.timeout(longest);
    let NextToken: string | undefined;
    for (let page = 0; page < pages; page++) {
        const answer = await at.client(CloudTrailClient).send(
            new LookupEventsCommand({
                LookupAttributes: [{ AttributeKey: attribute, AttributeValue: value }],
                StartTime: new Date(since),
                NextToken,
            }),
            { abortSignal },
        );
        for (const { CloudTrailEvent } of answer.Events ?? []) {
            const event = parse(CloudTrailEvent);
            if (event !== null && event.errorCode === undefined && !isOurs(event)) found.push(event);
        }
        NextToken = answer.NextToken;
        if (NextToken === undefined) break;
    }
    return found;
}

function parse(text: string | undefined): TrailEvent | null {
    try {
        return eventSchema.parse(JSON.parse(text ?? ""));
    } catch {
        return null;
    }
}

const isOurs = ({ userIdentity }: TrailEvent) =>
    userIdentity?.sessionContext?.sessionIssuer?.userName === environment("RESPONDER_ROLE_NAME");

/** One line about who made a call. */
export function describeEvent({ eventName, eventTime, sourceIPAddress, userIdentity }: TrailEvent): string {
    const who = userIdentity?.arn ?? userIdentity?.invokedBy ?? userIdentity?.type ?? "somebody";
    return `${who} by ${eventName} at ${eventTime}${sourceIPAddress === undefined ? "" : ` from ${sourceIPAddress}`}`;
}
