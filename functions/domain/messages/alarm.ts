/** The message of a CloudWatch alarm. Pure. */
import { z } from "zod";
import type { Message } from "./message";

/** An alarm as it came; whatever of it could not be read is null, and people are told all the same. */
export interface Alarm {
    name: string | null;
    description: string | null;
    accountId: string | null;
    /** As CloudWatch writes it, such as EU (Ireland). */
    region: string | null;
    reason: string | null;
    /** ISO 8601. */
    at: string | null;
    /** False for an alarm that is good again. One that lost its data is told: only an alarm on silence sends that. */
    worthTelling: boolean;
    /** What came, where it was no alarm of CloudWatch's. */
    text: string | null;
}

const text = z.string().nullable().catch(null).default(null);
const schema = z.object({
    AlarmName: text,
    AlarmDescription: text,
    AWSAccountId: text,
    Region: text,
    NewStateReason: text,
    NewStateValue: text,
    StateChangeTime: text,
});

/** Reads what CloudWatch publishes. Never throws: an alarm that cannot be read is still an alarm. */
export function readAlarm(message: string): Alarm {
    const unread = { name: null, description: null, accountId: null, region: null, reason: null, at: null };
    let value: unknown;
    try {
        value = JSON.parse(message);
    } catch {
        return { ...unread, worthTelling: true, text: message };
    }
    const read = schema.safeParse(value);
    if (!read.success || read.data.AlarmName === null) return { ...unread, worthTelling: true, text: message };
    const { data } = read;
    return {
        name: data.AlarmName,
        description: data.AlarmDescription,
        accountId: data.AWSAccountId,
        region: data.Region,
        reason: data.NewStateReason,
        at: data.StateChangeTime,
        worthTelling: data.NewStateValue !== "OK",
        text: null,
    };
}

/** Tells of an alarm: what it means, where, and where to look it up. */
export function alarmMessage(alarm: Alarm): Message {
    const facts = [
        { label: "Alarm", value: alarm.name },
        { label: "Account", value: alarm.accountId },
        { label: "Region", value: alarm.region },
        { label: "Why", value: alarm.reason },
        { label: "At", value: alarm.at },
        { label: "Message", value: alarm.text },
    ];
    return {
        tone: "warning",
        title: "An alarm of the clean room went off",
        summary: alarm.description ?? "CloudWatch sent an alarm that says nothing of itself.",
        whatWeDid: "An alarm tells people and changes nothing.",
        whatNow: ["Open the alarm's page in the runbook: it says what to look at and what to type."],
        runbook: alarm.name ?? "Alarms",
        facts: facts.flatMap(({ label, value }) => (value === null || value === "" ? [] : [{ label, value }])),
        sections: [],
        whole: "on the alarm's page in CloudWatch",
        links: [],
    };
}
