/** What a part of the metadata of the moment is read with, and how what AWS refuses becomes a clause. */
import type { Instance } from "@aws-sdk/client-ec2";
import type { Incident } from "../../domain/containers";
import { errorCode } from "../errors";
import type { Victim } from "../victim";

/** What stands around the instance: from EC2, and where it says nothing any more from the record that containment wrote. */
export interface Surroundings {
    vpcId: string | null;
    subnetIds: string[];
    interfaceIds: string[];
    /** Groups before containment and now. */
    groupIds: string[];
    /** Groups before containment: those it was attacked with. */
    groupIdsBefore: string[];
    volumeIds: string[];
    /** ARN of the instance profile. */
    profileArn: string | null;
    autoScalingGroup: string | null;
}

export interface Moment {
    victim: Victim;
    incident: Incident;
    /** Null where EC2 does not show it any more; the reason is the part `instance`'s. */
    instance: Instance | null;
    around: Surroundings;
    /** ISO 8601: when containment began, or the incident was opened where nothing was contained. */
    since: string;
    /** Milliseconds since 1970 after which nothing more is asked. */
    deadline: number;
}

/** A part's object. */
export interface Content {
    body: string | Uint8Array;
    /** Of the object's name. */
    ending: "json" | "txt" | "jpg" | "bin";
    contentType: string;
    /** What could not be read, and why, as clauses. */
    missing: string[];
}

/** Reads one part. @returns null where AWS answers that there is none. @throws what AWS answers */
export type ReadPart = (moment: Moment) => Promise<Content | null>;

export const jsonContent = (value: unknown, missing: string[] = []): Content => ({
    body: JSON.stringify(value, null, 1),
    ending: "json",
    contentType: "application/json",
    missing,
});

/** A clause about what could not be read. */
export const clause = (what: string, error: unknown): string =>
    `${what} (${errorCode(error) || "no answer"}${error instanceof Error && error.message && error.message !== errorCode(error) ? `: ${error.message.slice(0, 200)}` : ""})`;

/** Reads what the rest of a part can do without; a failure is named in `missing`, and nothing else is lost. */
export async function beside<T>(missing: string[], what: string, read: () => Promise<T>, otherwise: T): Promise<T> {
    try {
        return await read();
    } catch (error) {
        missing.push(clause(what, error));
        return otherwise;
    }
}

/** All pages. @param items those of one page */
export async function allPages<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => Item[] | undefined): Promise<Item[]> {
    const found: Item[] = [];
    for await (const page of pages) found.push(...(items(page) ?? []));
    return found;
}
