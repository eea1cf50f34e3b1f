/**
 * Takes what lives only in the instance's memory, before the last cut: a volume that brings its own tools is attached, a command writes
 * onto it, and it is detached again. All of it ends at the deadline: what is not done by then is told, and the last cut follows.
 */
import { setTimeout } from "node:timers/promises";
import { EC2Client } from "@aws-sdk/client-ec2";
import { z } from "zod";
import { readInstancePermissions } from "./aws/containment/permissions";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { snapshotArn, tagAtCreation, taggedAtCreation } from "./aws/ec2Permissions";
import { environment, needs } from "./aws/environment";
import { errorCode } from "./aws/errors";
import { log, step } from "./aws/handler";
import { cancelAcquisition, followAcquisition, sendAcquisition, takeDocumentBack } from "./aws/memory/acquisitionCommand";
import { attachAcquisitionVolume, detachAcquisitionVolume, takeImageBack } from "./aws/memory/acquisitionVolume";
import { acquisitionImage, followAcquisitions, handleAcquisitionVolumes } from "./aws/memory/permissions";
import { findVolumes } from "./aws/preserve";
import { assumeResponder, ec2Arn, writeEvidence, type Permissions } from "./aws/permissions";
import { victimOf } from "./aws/victim";
import { incidentSchema, type Memory } from "./domain/containers";
import { objectNames } from "./domain/evidenceKeys";
import { memorySchema } from "./domain/memory";

/** Given by the deployment. */
export const variables = needs(
    "PARTITION",
    "FORENSICS_ACCOUNT_ID",
    "RESPONDER_ROLE_NAME",
    "EVIDENCE_BUCKET",
    "EVIDENCE_KEY_ARN",
    "ACQUISITION_IMAGES",
    "ACQUISITION_DOCUMENT",
    "ACQUISITION_DOCUMENT_HASH",
);

/** Give image and document to the member account for the time of it; keep the volume's id. */
export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...assumeResponder(names),
    {
        Sid: "ShareAcquisitionImage",
        Effect: "Allow",
        Action: ["ec2:ModifySnapshotAttribute"],
        Resource: [snapshotArn(names)],
        Condition: acquisitionImage,
    },
    {
        Sid: "ShareAcquisitionDocument",
        Effect: "Allow",
        Action: ["ssm:ModifyDocumentPermission"],
        Resource: [names.acquisitionDocumentArn],
    },
    ...writeEvidence(objectNames.acquisitionVolume)(names),
];

/** In the member account: make the volume, attach it, run the one document. The evidence key is the responder's through EBS already. */
export const memberPermissions: Permissions = (names) => [
    ...readInstancePermissions(names),
    findVolumes,
    {
        Sid: "MakeAcquisitionVolume",
        Effect: "Allow",
        Action: ["ec2:CreateVolume"],
        Resource: [ec2Arn(names, "volume/*")],
        Condition: taggedAtCreation,
    },
    tagAtCreation([ec2Arn(names, "volume/*")], "CreateVolume"),
    ...handleAcquisitionVolumes(names),
    {
        // One statement, since the responder's policy is near IAM's limit: each action knows only its own kinds of resources.
        Sid: "Acquire",
        Effect: "Allow",
        Action: ["ssm:SendCommand", "ec2:CreateVolume"],
        Resource: [names.acquisitionDocumentArn, ec2Arn(names, "instance/*"), snapshotArn(names)],
    },
    ...followAcquisitions(names),
];

/** Milliseconds that cleaning up may take, each part of it, beyond the deadline: the last cut has been left more. */
const cleaning = 4000;

/** Waits for something, or for the time to be up. @returns null when it was not done in time */
async function within<T>(work: Promise<T>, milliseconds: number): Promise<T | null> {
    const enough = new AbortController();
    try {
        return await Promise.race([work, setTimeout(Math.max(0, milliseconds), null, { signal: enough.signal })]);
    } finally {
        enough.abort();
    }
}

/** Tidies up. Never throws, and never takes long: what is left over is removed with the evidence's tidying up. */
async function tidy(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
        if (
            (await within(
                work().then(() => true),
                cleaning,
            )) === null
        )
            log("acquiring: not tidied up in time", { what });
    } catch (error) {
        log("acquiring: not tidied up", { what, why: errorCode(error) });
    }
}

/** Never throws for what becomes of the acquisition: how it ended is its answer. */
export const handler = step({
    name: "AcquireMemory",
    input: z.object({ incident: incidentSchema, memory: memorySchema }),
    output: memorySchema,
    run: async ({ incident, memory }) => {
        const victim = victimOf(incident.instance, incident.incidentId);
        const deadline = Date.parse(memory.deadline);
        const left = () => deadline - Date.now();
        const so: Pick<Memory, "volumeId" | "commandId" | "commandSentAt"> = { volumeId: null, commandId: null, commandSentAt: null };
        let at = "making the acquisition volume";
        const over = new AbortController();
        const acquire = async () => {
            const { volumeId, toolsSha256 } = await attachAcquisitionVolume(victim, incident, memory.mode, over.signal, (volume) => {
                so.volumeId = volume.volumeId;
                at = `attaching ${volume.volumeId}`;
            });
            at = "sending the command";
            // Its answer is a second or two on its way.
            const seconds = String(Math.max(1, Math.floor(left() / 1000) - 3));
            const parameters = { VolumeId: volumeId, Mode: memory.mode, AtMostSeconds: seconds, ToolsSha256: toolsSha256 };
            so.commandId = await sendAcquisition(victim, parameters, over.signal);
            so.commandSentAt = new Date().toISOString();
            at = "the command, which had not ended";
            return followAcquisition(victim, so.commandId, over.signal);
        };
        let ended: Awaited<ReturnType<typeof acquire>> | null = null;
        let failure: string | null = null;
        try {
            ended = await within(acquire(), left());
            if (ended === null) failure = `its time was over at ${at}`;
        } catch (error) {
            failure = `${at} failed: ${error instanceof Error ? `${errorCode(error)}: ${error.message}` : String(error)}`;
        }
        // What was begun ends here: a function that is called again must not go on with it.
        over.abort();
        const { volumeId, commandId } = so;
        const image = Object.values(environment("ACQUISITION_IMAGES")).map(({ snapshotId }) => snapshotId);
        await Promise.all([
            ...(ended === null && commandId !== null ? [tidy("the command", () => cancelAcquisition(victim, commandId))] : []),
            ...(volumeId === null ? [] : [tidy(volumeId, () => detachAcquisitionVolume(victim.client(EC2Client), volumeId))]),
            ...image.map((snapshotId) => tidy(snapshotId, () => takeImageBack(snapshotId, victim))),
            tidy("the document", () => takeDocumentBack(victim)),
        ]);
        return {
            ...memory,
            ...so,
            ...(ended ?? { outcome: commandId === null ? ("failed" as const) : ("partial" as const), reason: failure!.slice(0, 1024) }),
            endedAt: new Date().toISOString(),
        };
    },
});
