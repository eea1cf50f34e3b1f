/**
 * A message to people, whatever carries it: content as plain data, rendered by the files of `domain/channels/`. Every string may be
 * of hostile origin; the renderers make it safe.
 */

import type { ChatVerb } from "../chatActions";

export interface Message {
    /** `danger` red, `warning` amber, `neutral` grey-blue. There is no green: an incident is never good news. */
    tone: "danger" | "warning" | "neutral";
    /** One line; also what a phone's lock screen shows. Holds no untrusted text. */
    title: string;
    /** What happened, some sentences. */
    summary: string;
    /** What the response did about it, or that it did nothing; some sentences. */
    whatWeDid: string;
    /** What the reader does now, one instruction an item. Stands right after what we did, and no channel cuts it. */
    whatNow: readonly string[];
    /** The heading of docs/runbook.md that says what to do: one of runbook.ts. */
    runbook: string;
    facts: readonly Fact[];
    sections: readonly MessageSection[];
    /** Where everything stands that a channel has no room for, as a sentence goes on: "in containment.json of the incident". */
    whole: string;
    /** To the AWS console, or to what is opened without it. */
    links: readonly Link[];
    /** The runbook's page, where a deployment says under which address its documents stand: links.ts. */
    runbookUrl?: string;
    /** What may be done about the incident by a button under it, where a channel has buttons. @default nothing */
    offers?: readonly ChatVerb[];
}

export interface Fact {
    label: string;
    value: string;
}

export interface MessageSection {
    heading: string;
    items: readonly string[];
    /**
     * A channel with little room may show only the beginning, and then says how many items it left out. Failures, what could not be
     * cut and other instances are never details.
     */
    detail?: true;
}

export interface Link {
    label: string;
    /** Made by consoleLinks, which encodes what it is given. */
    url: string;
    /** Where the console's page is, which people must be signed in to; null for a link that needs nobody to be. */
    place: { account: string | ForensicsAccount; region: string } | null;
}
/** The account that this runs in, whose id a message need not know. */
export type ForensicsAccount = "forensics";
