/**
 * A message to people, whatever carries it: content as plain data, rendered for Slack or as plain text by
 * {@link toSlack} and {@link toPlainText}. Every string may be of hostile origin; the renderers make it safe.
 */

export interface Message {
    /** `danger` red, `warning` amber, `neutral` grey-blue. There is no green: an incident is never good news. */
    tone: "danger" | "warning" | "neutral";
    /** One line; also what a phone's lock screen shows. Holds no untrusted text. */
    title: string;
    /** Some sentences. */
    summary: string;
    /** The heading of docs/runbook.md that says what to do: one of runbook.ts. */
    runbook: string;
    facts: readonly Fact[];
    sections: readonly MessageSection[];
    /** To the AWS console only. */
    links: readonly Link[];
}

export interface Fact {
    label: string;
    value: string;
}

export interface MessageSection {
    heading: string;
    items: readonly string[];
}

export interface Link {
    label: string;
    /** Made by consoleLinks, which encodes what it is given. */
    url: string;
}
