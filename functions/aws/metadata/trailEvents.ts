/**
 * Reads CloudTrail's event history about an instance: calls with its credentials in every Region of the account, calls about it, and calls
 * of the sessions that its credentials opened in other roles, and those again: in the event history of the role's account, where the responder may
 * look. An account where it may not is named with the sessions.
 *
 * LookupEvents takes one attribute a call and answers twice a second for an account and Region, so that each Region is asked at a pace.
 */
import { setTimeout } from "node:timers/promises";
import { CloudTrailClient, LookupEventsCommand, type LookupAttributeKey } from "@aws-sdk/client-cloudtrail";
import { DescribeRegionsCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
    isResponders,
    mostSessions,
    sessionsOpenedBy,
    trailRecordSchema,
    type AskedAbout,
    type OpenedSession,
    type TrailEvents,
    type TrailRecord,
} from "../../domain/metadata/trailEvents";
import { environment } from "../environment";
import { errorCode } from "../errors";
import { victimOf } from "../victim";
import { beside, jsonContent, type Moment, type ReadPart } from "./content";

/** Milliseconds that are looked back. */
const lookedBack = 24 * 3_600_000;
/** Milliseconds between two questions to one Region. */
const pace = 550;
/** Pages of 50 events that one question is followed through. */
const mostPages = 40;
/** Characters of all events together: the report reads the object whole. */
const mostCharacters = 10_000_000;

/** One question at a time for each account and Region, at the pace that LookupEvents answers. */
class Pacer {
    private readonly next = new Map<string, Promise<void>>();

    /** Resolves when it may be asked. */
    turn(place: string): Promise<void> {
        const before = this.next.get(place) ?? Promise.resolve();
        this.next.set(
            place,
            before.then(() => setTimeout(pace)),
        );
        return before;
    }
}

interface Question {
    about: AskedAbout;
    region: string;
    attribute: LookupAttributeKey;
    value: string;
    /** Whose event history; null: the instance's account's. */
    account?: string | null;
}

class TrailReading {
    readonly lookups: TrailEvents["lookups"] = [];
    readonly events: TrailEvents["events"] = [];
    private readonly known = new Set<string>();
    private readonly pacer = new Pacer();
    private characters = 0;
    readonly since = new Date(Date.now() - lookedBack);

    constructor(private readonly moment: Moment) {}

    /** Takes an event once, whichever question found it. @returns its record when it is new */
    private take({ about, region, account }: Question, text: string | undefined): TrailRecord | null {
        let record: TrailRecord;
        try {
            record = trailRecordSchema.parse(JSON.parse(text ?? ""));
        } catch {
            return null;
        }
        const id = record.eventID ?? text!;
        if (this.known.has(id)) return null;
        this.known.add(id);
        this.characters += text!.length;
        this.events.push({ about, region, ...(account ? { account } : {}), record });
        return record;
    }

    /** Asks one question through its pages. Never throws. @returns the events that are new */
    async ask(question: Question): Promise<TrailRecord[]> {
        const { about, region, attribute, value, account } = question;
        const { victim, deadline } = this.moment;
        const accountId = account ?? victim.ref.accountId;
        const client = victimOf({ ...victim.ref, accountId, region }, victim.incidentId).client(CloudTrailClient);
        const found: TrailRecord[] = [];
        const lookup: TrailEvents["lookups"][number] = {
            about,
            what: `${attribute}=${value}`,
            region,
            ...(account ? { account } : {}),
            events: 0,
            whole: false,
            error: null,
        };
        this.lookups.push(lookup);
        let NextToken: string | undefined;
        try {
            for (let page = 0; page < mostPages && this.characters < mostCharacters; page++) {
                await this.pacer.turn(`${accountId}/${region}`);
                const left = deadline - Date.now();
                if (left <= 0) throw Object.assign(new Error("no time left"), { name: "NoTimeLeft" });
                const answer = await client.send(
                    new LookupEventsCommand({
                        LookupAttributes: [{ AttributeKey: attribute, AttributeValue: value }],
                        StartTime: this.since,
                        NextToken,
                    }),
                    { abortSignal: AbortSignal.timeout(left) },
                );
                lookup.events += (answer.Events ?? []).length;
                found.push(...(answer.Events ?? []).flatMap(({ CloudTrailEvent }) => this.take(question, CloudTrailEvent) ?? []));
                NextToken = answer.NextToken;
                if (NextToken === undefined) {
                    lookup.whole = true;
                    break;
                }
            }
        } catch (error) {
            lookup.error = errorCode(error) || "no answer";
        }
        return found;
    }

    /** Asks what a session did, in its own account: in all Regions, unless the first says that nobody of ours may look there. */
    async askSession({ key, accountId }: OpenedSession, regions: readonly string[]): Promise<TrailRecord[]> {
        const account = accountId === this.moment.victim.ref.accountId ? null : accountId;
        const asked = (region: string) => this.ask({ about: "session", region, attribute: "AccessKeyId", value: key, account });
        if (account === null) return (await Promise.all(regions.map(asked))).flat();
        const [first = "", ...others] = regions;
        const found = await asked(first);
        const refused = this.lookups.some(
            (each) => each.account === account && /^(AccessDenied|UnrecognizedClient)/.test(each.error ?? ""),
        );
        return refused ? found : [...found, ...(await Promise.all(others.map(asked))).flat()];
    }
}

const globalRegions: Record<string, string> = { "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1" };

/** Regions that the account has on. */
async function regionsOf({ victim }: Moment): Promise<string[]> {
    const { Regions } = await victim.client(EC2Client).send(new DescribeRegionsCommand({}));
    return (Regions ?? []).flatMap(({ RegionName }) => RegionName ?? []);
}

/** One clause for each error, with the Regions that gave it. */
function missingOf(lookups: TrailEvents["lookups"]): string[] {
    const broken = new Map<string, Set<string>>();
    for (const { what, region, error, whole, account } of lookups) {
        if (whole) continue;
        if (account && error !== null) {
            const key = `what sessions opened by its credentials did in account ${account} (${error}): look in that account's CloudTrail, by`;
            broken.set(key, (broken.get(key) ?? new Set()).add(what));
            continue;
        }
        const key = error === null ? `older events of ${what}: only the newest were read, in` : `events of ${what} (${error}) in`;
        broken.set(key, (broken.get(key) ?? new Set()).add(region));
    }
    return [...broken].map(([key, regions]) => `${key} ${[...regions].join(", ")}`).slice(0, 40);
}

/** All of it. */
export const readTrailEvents: ReadPart = async (moment) => {
    const { instanceId, region } = moment.victim.ref;
    const missing: string[] = [];
    const globalRegion = globalRegions[environment("PARTITION")] ?? "us-east-1";
    const regions = await beside(missing, "which Regions the account has on, so only two were asked", () => regionsOf(moment), []);
    const everywhere = [...new Set([region, globalRegion, ...regions])];
    const reading = new TrailReading(moment);
    const ours = environment("RESPONDER_ROLE_NAME");

    // Its own sessions are named after the instance, in whatever Region they are used.
    const [own] = await Promise.all([
        Promise.all(
            everywhere.map((each) => reading.ask({ about: "credentials", region: each, attribute: "Username", value: instanceId })),
        ),
        reading.ask({ about: "instance", region, attribute: "ResourceName", value: instanceId }),
    ]);
    // What a session opened is found by the access key that STS handed out: a name could be anybody's.
    const followed = new Set<string>();
    const openedBy = (records: TrailRecord[]): OpenedSession[] => [
        ...new Map(
            records
                .flatMap(sessionsOpenedBy)
                .filter(({ key }) => !followed.has(key))
                .map((each) => [each.key, each]),
        ).values(),
    ];
    let opened = openedBy(own.flat().filter((each) => !isResponders(each, ours)));
    while (opened.length > 0) {
        const room = mostSessions - followed.size;
        const next = opened.slice(0, room);
        if (next.length < opened.length)
            missing.push(`${opened.length - next.length} more sessions that its credentials opened: ${mostSessions} were followed`);
        if (next.length === 0) break;
        next.forEach(({ key }) => followed.add(key));
        opened = openedBy((await Promise.all(next.map((session) => reading.askSession(session, everywhere)))).flat());
    }

    if (reading.lookups.every(({ error }) => error !== null))
        throw Object.assign(new Error(`CloudTrail answered none of ${reading.lookups.length} questions`), {
            name: reading.lookups[0]!.error!,
        });
    const events: TrailEvents = {
        schemaVersion: 1,
        since: reading.since.toISOString(),
        until: new Date().toISOString(),
        lookups: reading.lookups,
        events: reading.events.sort((left, right) => left.record.eventTime.localeCompare(right.record.eventTime)),
    };
    return { ...jsonContent(null), body: JSON.stringify(events), missing: [...missing, ...missingOf(reading.lookups)] };
};
