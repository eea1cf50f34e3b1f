/** What a report says of an incident, read once from its inputs, for page, message, Markdown and OCSF alike. Pure. */
import type { DiskFinding } from "../analysisOutputs";
import {
    controlCalls,
    controlFacts,
    credentialUse,
    spreadOf,
    type ControlCall,
    type CredentialUse,
    type Spread,
} from "../metadata/controlPlane";
import { agreement, type Agreement } from "./agreement";
import { assess, type Assessment, type ReportInput } from "./assessment";
import { entriesOf, exposureOf, type Entry, type Exposure } from "./entry";
import { factsOf, type Fact } from "./facts";
import { noCounts } from "./findingLines";
import { impacts, type Impact } from "./impact";
import { indicatorsOf, inNetworks, ownAddresses, type Indicator } from "./indicators";
import { verdict, type Verdict } from "./reportVerdict";
import { storyOf, type Episode } from "./story";

export interface Reading {
    assessment: Assessment;
    verdict: Verdict;
    agreement: Agreement;
    impacts: Impact[];
    facts: Fact[];
    story: Episode[];
    /** The likely one first; empty where nothing tells. */
    entries: Entry[];
    exposure: Exposure;
    indicators: Indicator[];
    /** Calls of the control plane, in order of time. */
    calls: ControlCall[];
    credentialUse: CredentialUse;
    spread: Spread;
}

/** The analysis' own findings about its evidence say nothing of the intruder. */
const ofTheVictim = ({ check }: DiskFinding) => check !== "integrity";

/**
 * Reads everything once.
 *
 * @param ownNetworks CIDR ranges that are not the attacker's
 * @param responderRole name of the role whose calls are the response's own
 */
export function read(input: ReportInput, ownNetworks: readonly string[] = [], responderRole = "clean-room-responder"): Reading {
    const { custody, findings } = input;
    const { finding } = custody.incident;
    const assessment = assess(input);
    const all = findings?.shown ?? [];
    const about = all.filter(ofTheVictim);
    const facts = factsOf(about);
    const entries = entriesOf(facts, finding.facts?.instance?.launchTime ?? null);
    const moment = input.moment ?? null;
    const calls = moment === null ? [] : controlCalls(moment, responderRole, inNetworks(ownNetworks));
    const [worst] = facts;
    const own = [...(finding.facts?.instance?.publicAddresses ?? []), ...(finding.facts?.instance?.privateAddresses ?? [])];
    return {
        assessment,
        verdict: verdict({
            counts: findings?.counts ?? noCounts(),
            worst: worst ? { title: worst.title, path: worst.places[0]?.path ?? null } : null,
            containment: custody.containment,
            assessment,
        }),
        agreement: agreement(finding, about, assessment.complete),
        impacts: impacts(about),
        facts,
        story: storyOf([...facts, ...controlFacts(calls)]),
        entries,
        exposure: exposureOf(facts, entries[0] ?? null, finding, custody.containment),
        indicators: indicatorsOf(about, finding, ownAddresses(ownNetworks, own)),
        calls,
        credentialUse: credentialUse(moment, calls),
        spread: spreadOf(moment),
    };
}
