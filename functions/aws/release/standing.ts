/** The containment that a release is about, and what of other containments hangs on the same subnets and groups. */
import { othersContainedIn } from "../containment/networkAcls";
import { StepError, TransientError } from "../errors";
import { getJson } from "../evidenceBucket";
import { readIncident } from "../incidentsTable";
import { changeStanding, listStanding, readStanding } from "../standingContainments";
import type { Victim } from "../victim";
import { containmentSchema, type InstanceRef } from "../../domain/containers";
import { objectNames } from "../../domain/evidenceKeys";
import { instanceStateSchema, type InstanceState } from "../../domain/instanceState";
import type { Imposed } from "../../domain/planRelease";
import type { StandingContainment } from "../../domain/standingContainment";

/** What is to be put back, of which instance, and which incidents end with it. */
export interface Standing {
    instance: InstanceRef;
    incidentIds: string[];
    record: InstanceState;
    isolation: string;
    networkAcl: string | null;
    /** Null where the containment is older than the table's record of it, or the table did not take it. */
    kept: StandingContainment | null;
}

/**
 * The containment that stands for the incident's instance: the table's, else what lies in the evidence bucket.
 *
 * @throws StepError when there is nothing to release under this incident
 */
export async function readWhatStands(incidentId: string, prefix: string): Promise<Standing> {
    const [known, containment] = await Promise.all([
        readIncident(incidentId),
        getJson(`${prefix}${objectNames.containment}`, containmentSchema),
    ]);
    const instance = known?.incident.instance ?? containment?.value.instance;
    const kept = instance ? await readStanding(instance) : null;
    if (kept !== null && kept.incidentIds.includes(incidentId)) {
        const { record, groups, incidentIds } = kept;
        return { instance: kept.instance, incidentIds, record, isolation: groups.isolation ?? "", networkAcl: groups.networkAcl, kept };
    }
    if (kept !== null && kept.releasedAt === null)
        throw new StepError(
            "This incident's containment is over, and the instance stands contained under another",
            `${kept.instance.instanceId}, ${incidentId}`,
            `Release ${kept.incidentIds.at(-1)} if the instance shall be connected again.`,
        );
    const record = await getJson(`${prefix}${objectNames.restoreRecord}`, instanceStateSchema);
    if (!record || !containment)
        throw new StepError(
            "Nothing was contained under this incident",
            incidentId,
            "Check the incident's id and the Region; an incident is released in the Region it was opened in. If its IsolateInstance step is still under way, wait for its end.",
        );
    const { isolationGroupId, networkAclId } = containment.value;
    return {
        instance: containment.value.instance,
        incidentIds: [incidentId],
        record: record.value,
        isolation: isolationGroupId,
        networkAcl: networkAclId,
        kept: null,
    };
}

/** Interfaces of other contained instances in the subnets whose network ACL was replaced. */
export async function findOthers(victim: Victim, { record, isolation, networkAcl }: Standing): Promise<Imposed["othersContained"]> {
    if (networkAcl === null) return {};
    const own = record.interfaces.map((each) => each.networkInterfaceId);
    // Each contained instance has a group of its own, so its interfaces are known from the records that stand, and by the old group.
    const others = (await listStanding().catch(() => []))
        .filter(
            ({ groups, instance, networkReleasedAt }) =>
                groups.networkAcl === networkAcl && networkReleasedAt === null && instance.instanceId !== victim.ref.instanceId,
        )
        .flatMap((each) => each.record.interfaces);
    return Object.fromEntries(
        await Promise.all(
            record.networkAcls.map(async ({ subnetId }) => {
                const carrying = isolation === "" ? [] : await othersContainedIn(victim, subnetId, isolation, own);
                const standing = others.filter((each) => each.subnetId === subnetId).map((each) => each.networkInterfaceId);
                return [subnetId, [...new Set([...carrying, ...standing])].sort()] as const;
            }),
        ),
    );
}

/** Other contained instances for which the same Auto Scaling group's processes are suspended. */
export async function findOthersInGroup({ instance, kept }: Standing): Promise<string[]> {
    const group = kept?.suspended?.group;
    if (group === undefined) return [];
    return (await listStanding())
        .filter(
            (each) =>
                each.suspended?.group === group &&
                each.instance.accountId === instance.accountId &&
                each.instance.instanceId !== instance.instanceId,
        )
        .map((each) => each.instance.instanceId);
}

/**
 * Notes that it is being released: the watch would put back what a release takes away.
 *
 * @throws TransientError while the watch is putting something back
 */
export async function keepWatchAway({ instance, kept }: Standing): Promise<void> {
    if (kept === null) return;
    const now = new Date().toISOString();
    await changeStanding(instance, kept, (read) => {
        if (read === null || read.releasedAt !== null) return null;
        if (read.repairingUntil !== null && read.repairingUntil > now)
            throw new TransientError(`The watch is putting the containment of ${instance.instanceId} back; the release follows`);
        return { ...read, releasingAt: now };
    });
}
