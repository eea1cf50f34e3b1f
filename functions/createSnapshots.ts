/**
 * Preserves the victim's volumes: snapshots at one point in time in the member account, encrypted copies in the
 * forensics account, locked. Called again and again until the locks are read back; each call does what is next. At the end it says in how many
 * rounds the evidence is to be analysed, but for what an earlier execution of the incident analysed.
 */
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { analysedBefore, analysedBeforePermissions } from "./aws/analysedBefore";
import { needs } from "./aws/environment";
import { step } from "./aws/handler";
import { takeAcquisitionBack, takeAcquisitionBackPermissions } from "./aws/memory/takeBack";
import type { Permissions } from "./aws/permissions";
import { preservationRemedy, preserve, preserveMemberPermissions, preservePermissions, preserveVariables } from "./aws/preserve";
import { tellBesides, tellWaitingPermissions } from "./aws/problems";
import { victimOf } from "./aws/victim";
import { containmentSchema, evidenceSchema, incidentSchema, type Evidence, type Incident } from "./domain/containers";
import { withRounds } from "./domain/planRounds";

/** Given by the deployment. */
export const variables = needs(...preserveVariables, "ACQUISITION_DOCUMENT", "TOOL_SHA256");

/** Preserve, tell of what could not be, and see what was analysed before. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...tellWaitingPermissions("CreateSnapshots")(names),
    ...preservePermissions(names),
    ...analysedBeforePermissions(names),
    ...takeAcquisitionBackPermissions(names),
];

export const memberPermissions: Permissions = preserveMemberPermissions;

/** Tells people at once of volumes without evidence and of what is odd: the step goes on with the others. */
async function tellOf(incident: Incident, { missing, anomalies, snapshots }: Evidence): Promise<void> {
    if (missing.length === 0 && anomalies.length === 0) return;
    const lost = missing.map(({ volumeId, device, why }) => `${volumeId} (${device}) is NOT preserved: ${why}`);
    await tellBesides(
        incident,
        "CreateSnapshots",
        missing.length > 0 ? "PartlyPreserved" : "Anomaly",
        [
            `${snapshots.length} of ${snapshots.length + missing.length} volumes are preserved.`,
            ...lost,
            ...anomalies,
            ...(lost.length > 0 ? [preservationRemedy()] : []),
        ].join(" "),
    );
}

/**
 * One volume that cannot be preserved never keeps the others from it: it is missing in the evidence, with the reason.
 *
 * @throws NotYet until every volume is locked and read back, or known not to be preserved; StepFailed when none can be
 */
export const handler = step({
    name: "CreateSnapshots",
    waits: "CreateSnapshots",
    input: z.object({ incident: incidentSchema, containment: containmentSchema.nullable() }),
    output: evidenceSchema,
    run: async ({ incident, containment }) => {
        const preserved = await preserve(incident, containment?.contained === true);
        const shared = await takeAcquisitionBack(victimOf(incident.instance, incident.incidentId));
        const evidence = { ...preserved.evidence, anomalies: [...preserved.evidence.anomalies, ...shared] };
        await tellOf(incident, evidence);
        return withRounds(evidence, await analysedBefore(incident));
    },
});
