/** Every function of the estate: its handler, what it may do, and how long. What a handler may do stands in its own file. */
import * as actFromChat from "../functions/actFromChat";
import * as answerApproval from "../functions/answerApproval";
import * as acquireMemory from "../functions/acquireMemory";
import * as attachEvidenceVolumes from "../functions/attachEvidenceVolumes";
import * as captureMetadata from "../functions/captureMetadata";
import * as checkSsm from "../functions/checkSsm";
import * as checkReadiness from "../functions/checkReadiness";
import * as closeEndpoints from "../functions/closeEndpoints";
import * as createSnapshots from "../functions/createSnapshots";
import * as isolateInstance from "../functions/isolateInstance";
import * as notifyIsolation from "../functions/notifyIsolation";
import * as openTicket from "../functions/openTicket";
import * as openEndpoints from "../functions/openEndpoints";
import * as quarantineInstance from "../functions/quarantineInstance";
import * as releaseInstance from "../functions/releaseInstance";
import * as requestApproval from "../functions/requestApproval";
import * as runAnalysis from "../functions/runAnalysis";
import * as sealCustody from "../functions/sealCustody";
import * as sendAlarm from "../functions/sendAlarm";
import * as sendErrorNotification from "../functions/sendErrorNotification";
import * as sendFirstLook from "../functions/sendFirstLook";
import * as sendReport from "../functions/sendReport";
import * as startForensicInstance from "../functions/startForensicInstance";
import * as startIncident from "../functions/startIncident";
import * as sweepEvidence from "../functions/sweepEvidence";
import * as tearDown from "../functions/tearDown";
import * as watchContainment from "../functions/watchContainment";
import * as writeAcquisitionImage from "../functions/writeAcquisitionImage";
import type { VariableName } from "../functions/aws/environment";
import type { Permissions, Statement } from "../functions/aws/permissions";
import type { Settings } from "./config";
import { deployedNames } from "./names";

/** Settings that decide which functions a stack has. */
type Choices = Pick<Settings, "memory" | "notifications">;

export interface Step {
    /** What it is for, in one sentence; AWS shows it. */
    readonly description: string;
    /** What it may do. */
    readonly permissions: Permissions;
    /** What it needs of the responder role in the member account. */
    readonly memberPermissions?: Permissions;
    /** What it reads of its environment. */
    readonly variables: readonly VariableName[];
    /** Whether a stack has it. @default every stack */
    readonly wanted?: (settings: Choices) => boolean;
    /** Seconds, 1 to 900. */
    readonly timeoutSeconds: number;
    /** MiB. @default 512 */
    readonly memoryMiB?: number;
}

/** Where memory is taken before the last cut. */
const withMemory = ({ memory }: Choices): boolean => memory.mode !== "off";

/** By the handler's file name. */
export const steps = {
    startIncident: {
        description: "Reads a finding from the topic and starts one workflow an instance",
        permissions: startIncident.permissions,
        variables: startIncident.variables,
        // A message of 256 KB may name 3,000 instances.
        timeoutSeconds: 180,
        memoryMiB: 1024,
    },
    quarantineInstance: {
        description: "Cuts the instance but for the command that takes its memory, or says why that is left out",
        permissions: quarantineInstance.permissions,
        variables: quarantineInstance.variables,
        memberPermissions: quarantineInstance.memberPermissions,
        timeoutSeconds: 60,
        memoryMiB: 1024,
        wanted: withMemory,
    },
    acquireMemory: {
        description: "Takes what lives only in the instance's memory, until its time is up",
        permissions: acquireMemory.permissions,
        variables: acquireMemory.variables,
        memberPermissions: acquireMemory.memberPermissions,
        timeoutSeconds: 900,
        wanted: withMemory,
    },
    writeAcquisitionImage: {
        description: "Writes the image of the acquisition volume into a snapshot, when it is deployed",
        permissions: writeAcquisitionImage.permissions,
        variables: writeAcquisitionImage.variables,
        timeoutSeconds: 180,
        memoryMiB: 1024,
        wanted: withMemory,
    },
    isolateInstance: {
        description: "Contains the instance and reads back that it is contained",
        permissions: isolateInstance.permissions,
        variables: isolateInstance.variables,
        memberPermissions: isolateInstance.memberPermissions,
        timeoutSeconds: 240,
        memoryMiB: 1024,
    },
    requestApproval: {
        description: "Asks people whether the instance shall be contained",
        permissions: requestApproval.permissions,
        variables: requestApproval.variables,
        timeoutSeconds: 60,
    },
    actFromChat: {
        description: "Does what somebody asked for by a button in the chat channel",
        permissions: actFromChat.permissions,
        variables: actFromChat.variables,
        // Whoever may invoke it acts as it.
        wanted: ({ notifications }) => notifications.chatActions,
        timeoutSeconds: 60,
    },
    answerApproval: {
        description: "Takes a person's answer, whom AWS names, and lets the incident go on",
        permissions: answerApproval.permissions,
        variables: answerApproval.variables,
        timeoutSeconds: 120,
    },
    releaseInstance: {
        description: "Puts back what containment changed, and reads back that it is so",
        permissions: releaseInstance.permissions,
        variables: releaseInstance.variables,
        memberPermissions: releaseInstance.memberPermissions,
        timeoutSeconds: 240,
        memoryMiB: 1024,
    },
    watchContainment: {
        description: "Reads back what stands contained, tells of drift and puts it back",
        permissions: watchContainment.permissions,
        variables: watchContainment.variables,
        memberPermissions: watchContainment.memberPermissions,
        timeoutSeconds: 300,
        memoryMiB: 1024,
    },
    openTicket: {
        description: "Opens a case with AWS for the incident",
        permissions: openTicket.permissions,
        variables: openTicket.variables,
        timeoutSeconds: 60,
    },
    notifyIsolation: {
        description: "Tells people what was contained and what was not",
        permissions: notifyIsolation.permissions,
        variables: notifyIsolation.variables,
        timeoutSeconds: 60,
    },
    captureMetadata: {
        description: "Keeps what AWS says of the instance at this moment, beside its disks",
        permissions: captureMetadata.permissions,
        variables: captureMetadata.variables,
        memberPermissions: captureMetadata.memberPermissions,
        timeoutSeconds: 270,
        memoryMiB: 1024,
    },
    createSnapshots: {
        description: "Snapshots every volume, copies them to the forensics account and locks them",
        permissions: createSnapshots.permissions,
        variables: createSnapshots.variables,
        memberPermissions: createSnapshots.memberPermissions,
        timeoutSeconds: 240,
    },
    openEndpoints: {
        description: "Makes the clean room's endpoints while an incident needs them",
        permissions: openEndpoints.permissions,
        variables: openEndpoints.variables,
        timeoutSeconds: 60,
    },
    startForensicInstance: {
        description: "Starts the forensic instance in the clean room",
        permissions: startForensicInstance.permissions,
        variables: startForensicInstance.variables,
        timeoutSeconds: 120,
    },
    attachEvidenceVolumes: {
        description: "Makes an evidence and a work volume of each snapshot and attaches them",
        permissions: attachEvidenceVolumes.permissions,
        variables: attachEvidenceVolumes.variables,
        timeoutSeconds: 120,
    },
    checkSsm: {
        description: "Waits until Systems Manager reaches the forensic instance",
        permissions: checkSsm.permissions,
        variables: checkSsm.variables,
        timeoutSeconds: 60,
    },
    runAnalysis: {
        description: "Runs the analysis document once and waits for its manifest",
        permissions: runAnalysis.permissions,
        variables: runAnalysis.variables,
        timeoutSeconds: 120,
    },
    tearDown: {
        description: "Removes the forensic instance and its volumes",
        permissions: tearDown.permissions,
        variables: tearDown.variables,
        timeoutSeconds: 120,
    },
    closeEndpoints: {
        description: "Removes the clean room's endpoints when no incident needs them",
        permissions: closeEndpoints.permissions,
        variables: closeEndpoints.variables,
        // Shorter than functions/domain/endpoints.ts's closingLease.
        timeoutSeconds: 120,
    },
    sealCustody: {
        description: "Seals a case: a signed manifest of every object of the incident",
        permissions: sealCustody.permissions,
        variables: sealCustody.variables,
        // Objects whose hash S3 does not keep are read whole.
        timeoutSeconds: 900,
        memoryMiB: 1024,
    },
    sendFirstLook: {
        description: "Tells people what the artefacts say, minutes into the analysis",
        permissions: sendFirstLook.permissions,
        variables: sendFirstLook.variables,
        timeoutSeconds: 60,
    },
    sendReport: {
        description: "Verifies the results, writes the report and sends it",
        permissions: sendReport.permissions,
        variables: sendReport.variables,
        // It hashes what every round of the analysis left.
        timeoutSeconds: 900,
        memoryMiB: 1024,
    },
    sendAlarm: {
        description: "Brings alarms to the channels that are not subscribed to them",
        permissions: sendAlarm.permissions,
        variables: sendAlarm.variables,
        timeoutSeconds: 60,
    },
    checkReadiness: {
        description: "Looks whether the response would work now, and tells people what is otherwise than the day before",
        permissions: checkReadiness.permissions,
        variables: checkReadiness.variables,
        memberPermissions: checkReadiness.memberPermissions,
        timeoutSeconds: 900,
    },
    sweepEvidence: {
        description: "Once a day: finishes late evidence of open cases, and tells of what expires or is not protected any more",
        permissions: sweepEvidence.permissions,
        variables: sweepEvidence.variables,
        memberPermissions: sweepEvidence.memberPermissions,
        timeoutSeconds: 900,
    },
    sendErrorNotification: {
        description: "Tells people what failed, where, and what to do",
        permissions: sendErrorNotification.permissions,
        variables: sendErrorNotification.variables,
        timeoutSeconds: 60,
    },
} satisfies Record<string, Step>;

export type StepHandler = keyof typeof steps;

const all: Record<string, Step> = steps;
/** Functions that act in member accounts: the only ones a responder role trusts. */
export const respondingFunctions = Object.keys(all).filter((handler) => all[handler]!.memberPermissions);

/** The functions of a deployment. */
export const deployedSteps = (settings: Choices): Record<string, Step> =>
    Object.fromEntries(Object.entries(all).filter(([, { wanted }]) => wanted?.(settings) ?? true));

/** {@link respondingFunctions} of a deployment. */
export const deployedResponders = (settings: Choices): string[] =>
    respondingFunctions.filter((handler) => handler in deployedSteps(settings));

/** What the responder role of an account may do, in all Regions of the stack: the union of what the functions ask for. */
export function memberStatements(args: {
    settings: Settings;
    partition: string;
    accountId: string;
    evidenceKeyArns: string[];
}): Statement[] {
    const names = deployedNames({
        partition: args.partition,
        region: "*",
        forensicsAccountId: args.settings.forensics.accountId,
        rolePath: args.settings.rolePath,
        accountId: args.accountId,
        memberAccountIds: args.settings.members.map((member) => member.accountId),
        organizationId: args.settings.organization?.organizationId,
        deployRoleArn: [args.settings.forensics, ...args.settings.members].find(({ accountId }) => accountId === args.accountId)
            ?.deployRoleArn,
        boundary: args.settings.containment.boundary,
        // A listed account may stand outside the organisation: its own keys, and those of the accounts that are named.
        volumeKeyAccountIds:
            args.settings.organization === undefined || args.settings.members.some(({ accountId }) => accountId === args.accountId)
                ? args.settings.evidence.volumeKeyAccounts
                : undefined,
        evidenceKeyArn: args.evidenceKeyArns[0]!,
        evidenceKeyArns: args.evidenceKeyArns,
        slack: false,
        memory: args.settings.memory.mode !== "off",
    });
    const statements = mergeStatements(deployedResponders(args.settings).flatMap((handler) => all[handler]!.memberPermissions!(names)));
    // IAM takes 10,240 characters. What memory needs beside all else fits where statements that say the same of everything are one.
    return args.settings.memory.mode === "off" ? statements : joinPlain(statements);
}

/** Allows of everything, without a condition, as one statement: it allows the same. */
function joinPlain(statements: Statement[]): Statement[] {
    const isPlain = ({ Effect, Resource, Condition }: Statement) =>
        Effect === "Allow" && Resource.join() === "*" && Condition === undefined;
    const plain = statements.filter(isPlain);
    const Action = [...new Set(plain.flatMap((each) => each.Action))].sort();
    return [{ Sid: "ReadAndFollow", Effect: "Allow", Action, Resource: ["*"] }, ...statements.filter((each) => !isPlain(each))];
}

/** Each statement once: functions that need the same share it by its Sid. @throws when one Sid says two things */
export function mergeStatements(statements: Statement[]): Statement[] {
    const bySid = new Map<string, Statement>();
    for (const statement of statements) {
        const standing = bySid.get(statement.Sid ?? JSON.stringify(statement));
        if (standing && JSON.stringify(standing) !== JSON.stringify(statement))
            throw new Error(`Two functions ask for a statement ${statement.Sid} that says different things; give one of them another Sid.`);
        bySid.set(statement.Sid ?? JSON.stringify(statement), statement);
    }
    return [...bySid.values()];
}
