/**
 * What CloudTrail's event history says of an instance: calls with its credentials, calls about it, and calls of the sessions that its
 * credentials opened in other roles. Pure: which lookups follow from which events. Reading is functions/aws/metadata/trailEvents.ts.
 */
import { z } from "zod";
import { untrustedText } from "../containers";

const text = (longest: number) => untrustedText(longest);

/** Of an event what is used here; the object in the evidence keeps all of it. */
export const trailRecordSchema = z.looseObject({
    eventID: z.string().max(128).optional(),
    eventName: text(256),
    eventSource: text(256).optional(),
    eventTime: z.string().max(64),
    awsRegion: z.string().max(64).optional(),
    sourceIPAddress: text(256).optional(),
    userAgent: text(512).optional(),
    errorCode: text(256).optional(),
    readOnly: z.boolean().optional(),
    vpcEndpointId: z.string().max(128).optional(),
    userIdentity: z
        .looseObject({
            type: z.string().optional(),
            arn: text(2048).optional(),
            accessKeyId: z.string().max(128).optional(),
            invokedBy: text(256).optional(),
            sessionContext: z
                .looseObject({ sessionIssuer: z.looseObject({ arn: z.string().optional(), userName: z.string().optional() }).optional() })
                .optional(),
        })
        .optional(),
    requestParameters: z.record(z.string(), z.unknown()).nullish(),
    responseElements: z.record(z.string(), z.unknown()).nullish(),
});
export type TrailRecord = z.infer<typeof trailRecordSchema>;

/** Whose calls a lookup asks for. */
export const askedAbout = ["credentials", "instance", "session"] as const;
export type AskedAbout = (typeof askedAbout)[number];

export const trailEventsSchema = z.object({
    schemaVersion: z.literal(1),
    /** ISO 8601: from when on was asked. */
    since: z.string(),
    /** When the last answer came; CloudTrail brings an event up to 15 minutes after its call, so that the minutes before are not whole. */
    until: z.string(),
    lookups: z.array(
        z.object({
            about: z.enum(askedAbout),
            /** As LookupEvents was asked: `Username=i-…`. */
            what: z.string().max(512),
            region: z.string().max(64),
            /** Whose event history was asked. @default the instance's account */
            account: z.string().max(12).optional(),
            events: z.number().int().nonnegative(),
            /** False: there were more events than were read. */
            whole: z.boolean(),
            /** Name of the error that ended it; null when it was answered. */
            error: z.string().max(256).nullable(),
        }),
    ),
    events: z.array(
        z.object({
            about: z.enum(askedAbout),
            region: z.string().max(64),
            account: z.string().max(12).optional(),
            record: trailRecordSchema,
        }),
    ),
});
export type TrailEvents = z.infer<typeof trailEventsSchema>;

/** Sessions that are followed at most, and how often a session may open another. */
export const mostSessions = 25;

const opening = /^(AssumeRole|AssumeRoleWithWebIdentity|AssumeRoleWithSAML|GetFederationToken|GetSessionToken)$/;

/** A session that a call handed out. */
export interface OpenedSession {
    /** Its access key, which LookupEvents finds calls by: CloudTrail records the id, never the secret. */
    key: string;
    /** The account of the role that was assumed, whose event history has the session's calls; null where that is the caller's own. */
    accountId: string | null;
}

/** Sessions that a call opened. */
export function sessionsOpenedBy({ eventName, errorCode, responseElements }: TrailRecord): OpenedSession[] {
    if (errorCode !== undefined || !opening.test(eventName)) return [];
    const { credentials, assumedRoleUser } = (responseElements ?? {}) as {
        credentials?: { accessKeyId?: unknown };
        assumedRoleUser?: { arn?: unknown };
    };
    const key = credentials?.accessKeyId;
    const arn = typeof assumedRoleUser?.arn === "string" ? assumedRoleUser.arn : "";
    const [, accountId = null] = /^arn:[^:]+:sts::(\d{12}):assumed-role\//.exec(arn) ?? [];
    return typeof key === "string" && /^A[A-Z0-9]{15,127}$/.test(key) ? [{ key, accountId }] : [];
}

/** Whether a call is our own response's. */
export const isResponders = ({ userIdentity }: TrailRecord, responderRole: string): boolean =>
    userIdentity?.sessionContext?.sessionIssuer?.userName === responderRole;
