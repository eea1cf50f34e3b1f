/** Keeps the custody log in the evidence bucket: reads the chain, and appends behind its end. */
import {
    emptyChain,
    nextSegment,
    readChain,
    sha256Of,
    type ChainHead,
    type CustodyAction,
    type ReadChain,
} from "../../domain/custody/custodyLog";
import { custodySegment, incidentPrefix, objectPrefixes } from "../../domain/evidenceKeys";
import { errorCode, StepError, TransientError } from "../errors";
import { getObject, listKeys, putObject } from "../evidenceBucket";
import { mapConcurrently } from "../mapConcurrently";
import { readEvidence, writeEvidence, type Permissions } from "../permissions";

/** Times an append is begun anew because another step took the number. */
const mostAttempts = 30;

/** Append to the custody log, and read it to do so. The Sids are its own, so that a function's other statements stay as they are. */
export const appendCustodyPermissions: Permissions = (names) => [
    ...readEvidence(`${objectPrefixes.custodyLog}*`)(names).map((each) => ({ ...each, Sid: `Custody${each.Sid}` })),
    ...writeEvidence(`${objectPrefixes.custodyLog}*`)(names).map((each) => ({ ...each, Sid: `Custody${each.Sid}` })),
];

/** The whole chain of an incident. */
export async function readCustodyLog(incidentId: string): Promise<ReadChain> {
    const prefix = incidentPrefix(incidentId);
    const keys = await listKeys(`${prefix}${objectPrefixes.custodyLog}`);
    const segments = await mapConcurrently(keys, 10, async (key) => ({
        name: key.slice(prefix.length),
        text: (await getObject(key)).body.toString("utf8"),
    }));
    return readChain(segments, incidentId, custodySegment);
}

/** The end of the chain: its last segment says it, whatever came before. */
async function readHead(incidentId: string): Promise<ChainHead> {
    const prefix = incidentPrefix(incidentId);
    const last = (await listKeys(`${prefix}${objectPrefixes.custodyLog}`)).sort().at(-1);
    if (last === undefined) return emptyChain;
    const text = (await getObject(last)).body.toString("utf8");
    const line = text.trimEnd().split("\n").at(-1)!;
    const number = Number(/(\d+)\.jsonl$/.exec(last)?.[1]);
    let entry: { sequence?: unknown } = {};
    try {
        entry = JSON.parse(line) as { sequence?: unknown };
    } catch {
        // said below
    }
    if (!Number.isInteger(number) || typeof entry.sequence !== "number")
        throw new StepError("The end of the custody log cannot be read", last, "Look in CloudTrail who wrote it; the log goes on by hand.");
    // Only where the next entry goes is needed: the chain as a whole is read by who seals it.
    return { segments: number, entries: entry.sequence, sha256: sha256Of(line) };
}

/** Appends actions behind the end of the incident's chain. @returns its new end */
export async function appendCustody(incidentId: string, actions: readonly CustodyAction[]): Promise<ChainHead> {
    const prefix = incidentPrefix(incidentId);
    let head = await readHead(incidentId);
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const { text, head: after } = nextSegment(head, actions);
        try {
            const { written, ref } = await putObject(`${prefix}${custodySegment(after.segments)}`, text, {
                contentType: "application/x-ndjson",
                onlyIfAbsent: true,
            });
            // A write whose answer got lost and that the SDK sent again finds itself.
            if (written || ref.sha256 === sha256Of(text)) return after;
        } catch (error) {
            // S3 answers so to one of two conditional writes at the same moment.
            if (errorCode(error) !== "ConditionalRequestConflict") throw error;
        }
        head = await readHead(incidentId);
    }
    throw new TransientError(`The custody log of ${incidentId} was appended to ${mostAttempts} times while this step tried to`);
}
