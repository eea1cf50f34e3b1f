/**
 * Keeps what AWS says of the instance beside its disks: the metadata of the moment. Beside containment and never before it; called once more
 * before the analysis, for what AWS knows only minutes later. A part that cannot be read is named, and takes no other along.
 */
import { z } from "zod";
import { appendCustodyPermissions } from "./aws/custody/custodyLog";
import { ec2Arn, assumeResponder, readEvidence, writeEvidence, type Permissions } from "./aws/permissions";
import { needs } from "./aws/environment";
import { log, step } from "./aws/handler";
import { captureMetadata } from "./aws/metadata/capture";
import { containmentSchema, incidentSchema } from "./domain/containers";
import { objectNames, objectPrefixes } from "./domain/evidenceKeys";
import { metadataRounds } from "./domain/metadata/metadataIndex";

/** Given by the deployment. */
export const variables = needs("PARTITION", "RESPONDER_ROLE_NAME", "EVIDENCE_BUCKET");

export const permissions: Permissions = (names) => [
    ...appendCustodyPermissions(names),
    ...assumeResponder(names),
    ...readEvidence(objectNames.restoreRecord, objectNames.observedInstance, `${objectPrefixes.metadata}*`)(names),
    ...writeEvidence(`${objectPrefixes.metadata}*`)(names),
];

/** Read; what containment and the snapshots read already stands in their statements. */
export const memberPermissions: Permissions = (names) => [
    // None of these knows a resource.
    {
        Sid: "ReadMoment",
        Effect: "Allow",
        Action: [
            "ec2:DescribeFlowLogs",
            "ec2:DescribeNatGateways",
            "ec2:DescribeRegions",
            "cloudtrail:DescribeTrails",
            "guardduty:GetFindings",
            "ssm:ListInventoryEntries",
        ],
        Resource: ["*"],
    },
    {
        Sid: "ReadConsole",
        Effect: "Allow",
        Action: ["ec2:GetConsoleOutput", "ec2:GetConsoleScreenshot"],
        Resource: [ec2Arn(names, "instance/*")],
    },
    {
        Sid: "ReadRole",
        Effect: "Allow",
        Action: ["iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:GetPolicy", "iam:GetPolicyVersion"],
        // A policy may be AWS's own.
        Resource: [`arn:${names.partition}:iam::${names.accountId}:role/*`, `arn:${names.partition}:iam::*:policy/*`],
    },
];

/** @throws Transient when the evidence bucket does not answer; what AWS does not say of the instance is named in the index */
export const handler = step({
    name: "CaptureMetadata",
    input: z.object({ incident: incidentSchema, containment: containmentSchema.nullable(), round: z.enum(metadataRounds) }),
    output: z.object({ index: z.string(), unread: z.array(z.string()) }),
    run: async ({ incident, containment, round }) => {
        const { index, key } = await captureMetadata(incident, containment, round);
        const incomplete = index.parts.filter(({ missing }) => missing.length > 0);
        log("metadata of the moment", { incidentId: incident.incidentId, round, incomplete: incomplete.map(({ name }) => name) });
        return { index: key, unread: incomplete.map(({ name }) => name) };
    },
});
