/**
 * Reads CloudTrail's event history about an instance: calls with its credentials in every Region of the account, calls about it, and calls
 * of the sessions that its credentials opened in other roles, and those again.
 *
 * LookupEvents takes one attribute a call and answers twice a second for an account and Region, so that each Region is asked at a pace.
 */
import { setTimeout } from "node:timers/promises";
import { CloudTrailClient, LookupEventsCommand, type LookupAttributeKey } from "@aws-sdk/client-cloudtrail";
import { DescribeRegionsCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
    isResponders,
    keysOpenedBy,
    mostSessions,
    trailRecordSchema,
    type AskedAbout,
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

/** One question at a time for each Region, at the pace that LookupEvents answers. */
class Pacer {
    private readonly next = new Map<string, Promise<void>>();

    /** Resolves when the Region may be asked. */
    turn(region: string): Promise<void> {
        const before = this.next.get(region) ?? Promise.resolve();
        this.next.set(
            region,
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
    private take(about: AskedAbout, region: string, text: string | undefined): TrailRecord | null {
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
        this.events.push({ about, region, record });
        return record;
    }

    /** Asks one question through its pages. Never throws. @returns the events that are new */
    async ask({ about, region, attribute, value }: Question): Promise<TrailRecord[]> {
        const { victim, deadline } = this.moment;
        const client = victimOf({ ...victim.ref, region }, victim.incidentId).client(CloudTrailClient);
        const found: TrailRecord[] = [];
        const lookup = { about, what: `${attribute}=${value}`, region, events: 0, whole: false, error: null as string | null };
        this.lookups.push(lookup);
        let NextToken: string | undefined;
        try {
            for (let page = 0; page < mostPages && this.characters < mostCharacters; page++) {
                await this.pacer.turn(region);
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
                found.push(...(answer.Events ?? []).flatMap(({ CloudTrailEvent }) => this.take(about, region, CloudTrailEvent) ?? []));
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
    for (const { what, region, error, whole } of lookups) {
        if (whole) continue;
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
    let opened = [
        ...new Set(
            own
                .flat()
                .filter((each) => !isResponders(each, ours))
                .flatMap(keysOpenedBy),
        ),
    ];
    while (opened.length > 0) {
        const room = mostSessions - followed.size;
        const next = opened.slice(0, room);
        if (next.length < opened.length)
            missing.push(`${opened.length - next.length} more sessions that its credentials opened: ${mostSessions} were followed`);
        if (next.length === 0) break;
        next.forEach((key) => followed.add(key));
        const answers = await Promise.all(
            next.flatMap((value) =>
                everywhere.map((each) => reading.ask({ about: "session", region: each, attribute: "AccessKeyId", value })),
            ),
        );
        opened = [...new Set(answers.flat().flatMap(keysOpenedBy))].filter((key) => !followed.has(key));
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
