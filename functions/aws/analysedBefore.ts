/**
 * What earlier executions of an incident analysed, so that a resumed one does not read it again.
 *
 * Only what no forensic host can write lets a volume be left unread: the custody record says which host got which snapshots, and the record of its end,
 * written by runAnalysis when Systems Manager said that the command ended well, has the hash of the manifest. A host that was taken over can spoil the
 * results of the volumes that it had, in a first execution as in a resumed one, and never have another one's volumes left unread: it may write below
 * its own prefix alone, and what it writes there is none of the two records.
 */
import { custodySchema, endedAnalysisSchema, type Custody, type Incident } from "../domain/containers";
import { endedAnalysis, objectNames, objectPrefixes, resultNames, resultsPrefix } from "../domain/evidenceKeys";
import { analysesOf, roundOf, snapshotsOf, type Analysed, type AnalysedBefore } from "../domain/planRounds";
import { environment } from "./environment";
import { isNotFound, isTransient } from "./errors";
import { getJson, getObject } from "./evidenceBucket";
import { log } from "./handler";
import { readEvidence, type Permissions } from "./permissions";
import { DamagedRecordError } from "./stored";

type Of = Pick<Incident, "incidentId" | "prefix">;

/** Read both records and the manifests. The Sids are its own, so that a function's other statements stay as they are. */
export const analysedBeforePermissions: Permissions = (names) =>
    readEvidence(
        objectNames.custody,
        `${objectPrefixes.ended}*`,
        `${resultsPrefix("*")}${resultNames.manifest}`,
    )(names).map((each) => ({
        ...each,
        Sid: `Before${each.Sid}`,
    }));

/** What does not match its schema was written by nobody of ours, or by another version. */
const isUnreadable = (error: unknown): error is Error => error instanceof DamagedRecordError;

/** The custody record. @returns null where there is none, and where what stands there is not one of this incident: then nothing counts as analysed */
export async function keptCustody({ incidentId, prefix }: Of): Promise<Custody | null> {
    try {
        const custody = (await getJson(`${prefix}${objectNames.custody}`, custodySchema))?.value ?? null;
        return custody?.incident.incidentId === incidentId ? custody : null;
    } catch (error) {
        if (!isUnreadable(error)) throw error;
        log("the custody record cannot be understood, so that nothing counts as analysed", {
            incidentId,
            cause: error.message.slice(0, 2000),
        });
        return null;
    }
}

async function manifestHash(key: string): Promise<string | null> {
    try {
        return (await getObject(key)).ref.sha256;
    } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
    }
}

/** Whether the results of an analysis stand: it ended well, with the program that is deployed now, and the manifest is the one of then. */
async function stands({ incidentId, prefix }: Of, { host, resultsPrefix: results }: Analysed): Promise<boolean> {
    const key = `${prefix}${endedAnalysis(host.instanceId)}`;
    const ended = await getJson(key, endedAnalysisSchema).then(
        (found) => found?.value,
        (error: unknown) => {
            if (!isUnreadable(error)) throw error;
            log("the record of an analysis' end cannot be understood, so that it does not count", { incidentId, key });
        },
    );
    return (
        ended?.incidentId === incidentId &&
        ended.instanceId === host.instanceId &&
        ended.resultsPrefix === results &&
        ended.toolSha256 === environment("TOOL_SHA256") &&
        snapshotsOf({ host }).every((id) => ended.snapshotIds.includes(id)) &&
        ended.manifest.sha256 === (await manifestHash(`${prefix}${results}${resultNames.manifest}`))
    );
}

/**
 * An incident that nothing was analysed of costs one call.
 *
 * @throws what may pass; for whatever else keeps the records from being read, volumes are analysed again rather than no evidence handed on
 */
export async function analysedBefore(incident: Of): Promise<AnalysedBefore> {
    try {
        return await readBefore(incident);
    } catch (error) {
        if (isTransient(error)) throw error;
        log("what was analysed before could not be read, so that all is analysed", {
            incidentId: incident.incidentId,
            cause: String(error),
        });
        return { analysed: [], roundsBefore: 0 };
    }
}

async function readBefore(incident: Of): Promise<AnalysedBefore> {
    const custody = await keptCustody(incident);
    if (custody === null) return { analysed: [], roundsBefore: 0 };
    const analyses = analysesOf(custody);
    const analysed: string[] = [];
    for (const each of analyses) if (await stands(incident, each)) analysed.push(...snapshotsOf(each));
    return { analysed, roundsBefore: Math.max(...[...analyses, ...(custody.superseded ?? [])].map(({ host }) => roundOf(host))) };
}
