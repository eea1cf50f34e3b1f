/** Where docs/runbook.md says what a message means, what to look at and what to type. A spec holds that every heading is there. */
import { stepTitle } from "../stepWords";

/** Every kind of message, and the heading of its page. A failed step has a page of its own: {@link stepHeading}. */
export const runbookHeadings = {
    contained: "Contained",
    credentialsLeft: "Contained, credentials NOT cut",
    notContained: "NOT contained",
    observed: "Observed, not contained",
    approval: "Your decision: contain the instance?",
    brake: "Your decision: the brake holds",
    released: "Released",
    retired: "Retired, stays isolated",
    drift: "Containment drifted",
    ticket: "Support case",
    firstLook: "First look",
    report: "Report",
    sealedAgain: "Sealed again",
    evidenceUpkeep: "Evidence of an open case",
    refused: "A message started no incident",
    followedInPart: "A message was followed in part",
    stepFailed: "A step of the response failed",
    readiness: "Readiness changed",
} as const;
export type MessageKind = keyof typeof runbookHeadings;

/** The heading of a failed step's page. @param step as the error record has it, such as `IsolateInstance` */
export const stepHeading = (step: string) => `${stepTitle(step)} failed`;

/** The heading as GitHub makes an anchor of it: lower case, hyphens for spaces, no punctuation. */
export const anchorOf = (heading: string) =>
    heading
        .toLowerCase()
        .replace(/[^a-z0-9 _-]/g, "")
        .replaceAll(" ", "-");

/** Where to look, as people can open it in a clone or on the repository's page. */
export const runbookPlace = (heading: string) => `docs/runbook.md#${anchorOf(heading)}`;
