/**
 * What CloudTrail's events say: calls grouped as facts of the story, and whether the instance's credentials were used anywhere else. Pure.
 * Names and user agents in an event are the caller's words.
 */
import { isIP } from "node:net";
import { severities, type Severity } from "../analysisOutputs";
import type { Fact } from "../report/facts";
import { count, list } from "../report/format";
import { tacticOf } from "../report/tactics";
import type { Moment } from "./readMoment";
import { isResponders, type AskedAbout, type TrailRecord } from "./trailEvents";

/** Calls of one kind by one session from one address. */
export interface ControlCall {
    /** `cp-1`, in the order of the first call. */
    id: string;
    about: AskedAbout;
    eventName: string;
    service: string;
    /** ARN of the caller, or the service in its place. */
    who: string;
    address: string | null;
    /** Not the instance's own address; null where that is not known or no address is told. */
    elsewhere: boolean | null;
    vpcEndpointId: string | null;
    regions: string[];
    error: string | null;
    calls: number;
    /** ISO 8601. */
    first: string;
    last: string;
    severity: Severity;
    attack: string[];
    /** A sentence without an end. */
    title: string;
}

/** What a call by the instance's credentials, or by a session that they opened, stands for. Event names are CloudTrail's. */
const meanings: readonly (readonly [pattern: RegExp, severity: Severity, attack: string, what: string])[] = [
    [
        /^(StopLogging|DeleteTrail|UpdateTrail|PutEventSelectors|DeleteEventDataStore|DeleteDetector|UpdateDetector|DeleteFlowLogs|DeleteConfigRule|StopConfigurationRecorder|DisableSecurityHub)$/,
        "critical",
        "T1562.008",
        "weakened logging or detection",
    ],
    [/^(CreateUser|CreateAccessKey|CreateLoginProfile|UpdateLoginProfile)$/, "critical", "T1136.003", "made a log-in of its own"],
    [
        /^(AttachUserPolicy|AttachRolePolicy|AttachGroupPolicy|PutUserPolicy|PutRolePolicy|PutGroupPolicy|AddUserToGroup|UpdateAssumeRolePolicy|CreatePolicyVersion|SetDefaultPolicyVersion|CreateRole)$/,
        "critical",
        "T1098.003",
        "gave somebody rights",
    ],
    [
        /^(ModifySnapshotAttribute|ModifyImageAttribute|ModifyDBSnapshotAttribute|ModifyDBClusterSnapshotAttribute|PutBucketPolicy|PutBucketAcl|PutBucketReplication)$/,
        "high",
        "T1537",
        "opened data to another account",
    ],
    [
        /^(DeleteBucket|DeleteSnapshot|DeleteVolume|DeleteDBInstance|DeleteDBCluster|DeleteFileSystem|ScheduleKeyDeletion|DeleteBackupVault|DeleteRecoveryPoint|TerminateInstances)$/,
        "high",
        "T1485",
        "destroyed something",
    ],
    [
        /^(RunInstances|RequestSpotInstances|RequestSpotFleet|CreateFleet|CreateAutoScalingGroup|RunTask|CreateCluster)$/,
        "high",
        "T1496",
        "started computers",
    ],
    [
        /^(SendCommand|StartSession|SendSSHPublicKey|SendSerialConsoleSSHPublicKey|ExecuteCommand)$/,
        "high",
        "T1021.008",
        "reached into instances",
    ],
    [/^(GetSecretValue|BatchGetSecretValue|GetPasswordData)$/, "high", "T1555.006", "read secrets"],
    [/^(GetParameter|GetParameters|GetParametersByPath)$/, "medium", "T1555.006", "read parameters, which may be secrets"],
    [/^(CreateKeyPair|ImportKeyPair)$/, "high", "T1098.004", "made a key pair"],
    [
        /^(AuthorizeSecurityGroupIngress|AuthorizeSecurityGroupEgress|ModifyInstanceAttribute|ModifyInstanceMetadataOptions|ReplaceNetworkAclEntry|CreateNetworkAclEntry)$/,
        "high",
        "T1562.007",
        "changed what lets traffic in or out",
    ],
    [/^(AssumeRole|AssumeRoleWithWebIdentity|GetFederationToken|GetSessionToken)$/, "high", "T1550.001", "opened another session"],
    [/^(CreateFunction\d*|UpdateFunctionCode\d*|PutTargets|PutRule)$/, "high", "T1546", "left something that runs by itself"],
];

/** What a call about the instance by anybody else stands for. */
const aboutInstance: readonly (readonly [pattern: RegExp, severity: Severity, attack: string, what: string])[] = [
    [
        /^(SendCommand|StartSession|SendSSHPublicKey|SendSerialConsoleSSHPublicKey)$/,
        "medium",
        "T1021.008",
        "somebody reached into the instance",
    ],
    [
        /^(AssociateIamInstanceProfile|ReplaceIamInstanceProfileAssociation)$/,
        "medium",
        "T1098.003",
        "somebody gave the instance another role",
    ],
    [/^(ModifyInstanceAttribute|ModifyInstanceMetadataOptions)$/, "medium", "T1578.005", "somebody changed the instance"],
    [
        /^(CreateSnapshot|CreateSnapshots|CreateImage|GetPasswordData|GetConsoleScreenshot)$/,
        "medium",
        "T1005",
        "somebody copied what the instance holds",
    ],
];

const oneLower = (severity: Severity): Severity => severities[Math.min(severities.indexOf(severity) + 1, severities.indexOf("low"))]!;

function meaningOf(about: AskedAbout, name: string, elsewhere: boolean | null, error: string | null) {
    const found = (about === "instance" ? aboutInstance : meanings).find(([pattern]) => pattern.test(name));
    if (!found) return { severity: "low" as Severity, attack: /^(Get|List|Describe|Head)/.test(name) ? ["T1580"] : [], what: null };
    const [, base, attack, what] = found;
    // What comes from the instance itself may be its own work, and what was refused did not happen.
    let severity = base;
    if (about !== "instance" && elsewhere !== true) severity = oneLower(severity);
    if (error !== null) severity = oneLower(severity);
    return { severity, attack: [attack], what };
}

/** A name in the place of an address: a service called on somebody's behalf. */
const isAddress = (text: string | undefined): text is string => text !== undefined && isIP(text) !== 0;

/** @param isOwn tells the owner's addresses from others */
function elsewhereOf(
    { sourceIPAddress, userIdentity }: TrailRecord,
    { addresses, egressKnown }: Moment,
    isOwn: (address: string) => boolean,
): boolean | null {
    if (userIdentity?.invokedBy !== undefined || !isAddress(sourceIPAddress)) return null;
    if (addresses.includes(sourceIPAddress) || isOwn(sourceIPAddress)) return false;
    return egressKnown ? true : null;
}

/**
 * @param isOwn tells addresses of the owner's networks; the instance's own and its gateways' are known from the moment
 * @returns in order of time; empty where CloudTrail was not read
 */
export function controlCalls(moment: Moment, responderRole: string, isOwn: (address: string) => boolean): ControlCall[] {
    const groups = new Map<string, ControlCall>();
    for (const { about, region, record } of moment.trail?.events ?? []) {
        if (isResponders(record, responderRole)) continue;
        const who = record.userIdentity?.arn ?? record.userIdentity?.invokedBy ?? record.userIdentity?.type ?? "somebody";
        const address = record.sourceIPAddress ?? null;
        const error = record.errorCode ?? null;
        const key = JSON.stringify([about, record.eventName, who, address, error, record.vpcEndpointId]);
        const known = groups.get(key);
        const at = record.eventTime;
        if (known) {
            known.calls += 1;
            if (at < known.first) known.first = at;
            if (at > known.last) known.last = at;
            if (!known.regions.includes(region)) known.regions.push(region);
            continue;
        }
        // A call about the instance comes from whoever makes it: that says nothing of its credentials.
        const elsewhere = about === "instance" ? null : elsewhereOf(record, moment, isOwn);
        const { what, severity, attack } = meaningOf(about, record.eventName, elsewhere, error);
        const from = elsewhere === true ? ` from ${address}, which is not the instance's` : "";
        const by =
            about === "instance"
                ? ""
                : about === "session"
                  ? "A session that the instance's credentials opened "
                  : "The instance's credentials ";
        const title =
            what === null
                ? `${record.eventName}${from}`
                : `${by}${error === null ? what : `${what.replace(/^/, "tried: ")}, and were refused`}: ${record.eventName}${from}`;
        groups.set(key, {
            id: `cp-${groups.size + 1}`,
            about,
            eventName: record.eventName,
            service: record.eventSource ?? "",
            who,
            address,
            elsewhere,
            vpcEndpointId: record.vpcEndpointId ?? null,
            regions: [region],
            error,
            calls: 1,
            first: at,
            last: at,
            severity,
            attack,
            title: title.charAt(0).toUpperCase() + title.slice(1),
        });
    }
    return [...groups.values()].sort((left, right) => left.first.localeCompare(right.first));
}

/** Calls as facts of the story; only what stands for something is one. */
export const controlFacts = (calls: readonly ControlCall[]): Fact[] =>
    calls
        .filter(({ severity }) => severities.indexOf(severity) <= severities.indexOf("medium"))
        .map(({ id, severity, title, attack, first, who, regions, calls: number }) => ({
            ids: [id],
            severity,
            title,
            tactic: tacticOf(attack),
            attack,
            check: "control-plane",
            at: first,
            places: [],
            evidence: `${count(number, "call")} by ${who} in ${list(regions)}`,
            sha256: null,
            rule: null,
        }));

export interface CredentialUse {
    answer: "yes" | "no" | "not knowable";
    /** Full sentences. */
    sentence: string;
    /** Where they were used: addresses that are not the instance's. */
    where: { address: string; regions: string[]; calls: number; first: string; last: string }[];
}

const noDataEvents =
    "CloudTrail's event history holds management events alone, of 24 hours, and the last minutes before it was read may be missing: whether an object in S3 was read with them is in data events, where a trail keeps such.";

/** Whether the instance's credentials, or sessions that they opened, were used from anywhere else. Never "no" while that cannot be known. */
export function credentialUse(moment: Moment | null, calls: readonly ControlCall[]): CredentialUse {
    if (moment === null || moment.trail === null)
        return {
            answer: "not knowable",
            sentence: "Whether the instance's credentials were used elsewhere is not known: CloudTrail's event history was not read.",
            where: [],
        };
    const theirs = calls.filter(({ about }) => about !== "instance");
    const gather = (some: readonly ControlCall[]): CredentialUse["where"] => {
        const byAddress = new Map<string, CredentialUse["where"][number]>();
        for (const { address, vpcEndpointId, regions, calls: number, first, last } of some) {
            const name = `${address}${vpcEndpointId === null ? "" : ` through ${vpcEndpointId}`}`;
            const known = byAddress.get(name);
            byAddress.set(name, {
                address: name,
                regions: [...new Set([...(known?.regions ?? []), ...regions])].sort(),
                calls: (known?.calls ?? 0) + number,
                first: known && known.first < first ? known.first : first,
                last: known && known.last > last ? known.last : last,
            });
        }
        return [...byAddress.values()].sort((left, right) => right.calls - left.calls);
    };
    const where = gather(theirs.filter(({ elsewhere }) => elsewhere === true));
    const said = (places: CredentialUse["where"]) =>
        `${list(places.slice(0, 5).map(({ address, regions, calls: number }) => `${address} (${count(number, "call")} in ${list(regions.slice(0, 5))})`))}${places.length > 5 ? ` and ${places.length - 5} more addresses` : ""}`;
    if (where.length > 0)
        return {
            answer: "yes",
            sentence: `Yes: the instance's credentials, or sessions that they opened, were used from ${said(where)}.`,
            where,
        };
    const reported = (moment.findings ?? []).filter(({ Type }) => /InstanceCredentialExfiltration/.test(Type));
    if (reported.length > 0) return { answer: "yes", sentence: `Yes: GuardDuty saw them used elsewhere (${reported[0]!.Type}).`, where };
    const unread = moment.trail.lookups.filter(({ whole }) => !whole).length;
    if (moment.hasRole === false && theirs.length === 0 && unread === 0)
        return { answer: "no", sentence: "No: the instance had no role, and no call by a session of its name is on record.", where };
    const open = gather(theirs.filter(({ elsewhere, address }) => elsewhere === null && isAddress(address ?? undefined)));
    const asked = new Set(moment.trail.lookups.map(({ region }) => region)).size;
    const number = theirs.reduce((sum, { calls: each }) => sum + each, 0);
    return {
        answer: "not knowable",
        sentence: `Not knowable: ${count(number, "call")} with them ${number === 1 ? "is" : "are"} on record in ${count(asked, "Region")}, none of them surely from elsewhere.${open.length > 0 ? ` Traffic leaves the VPC by a way whose addresses are not known, so look whether these are yours: ${said(open)}.` : ""}${unread > 0 ? ` ${count(unread, "lookup")} could not be read whole.` : ""} ${noDataEvents}`,
        where: open,
    };
}

export interface Spread {
    /** A full sentence. */
    sentence: string;
    /** What to do about the replacement; null where there is none. */
    warning: string | null;
}

/** What the siblings mean. */
export function spreadOf(moment: Moment | null): Spread {
    const found = moment?.siblings;
    if (!found) return { sentence: "Which instances share its weakness is not known: they were not read.", warning: null };
    const total = found.siblings.length + found.leftOut;
    const replacements = found.siblings.filter(({ replacement }) => replacement);
    const open = found.siblings.filter(({ publicAddresses }) => publicAddresses.length > 0).length;
    const shares = new Map<string, number>();
    for (const each of found.siblings.flatMap(({ shares: things }) => things)) shares.set(each, (shares.get(each) ?? 0) + 1);
    return {
        sentence:
            total === 0
                ? `None of ${count(found.compared, "other instance")} of the account in this Region shares its group, image, role, key pair, security groups or subnet.`
                : `${count(total, "instance")} of ${found.compared} in this account and Region ${total === 1 ? "shares" : "share"} something with it (${list([...shares].map(([thing, number]) => `${thing}: ${number}`))}), ${open} with a public address. They were not looked at.`,
        warning:
            replacements.length > 0
                ? `Auto Scaling started ${list(replacements.slice(0, 5).map(({ instanceId, publicAddresses }) => `${instanceId}${publicAddresses.length > 0 ? ` (${publicAddresses.join(", ")})` : ""}`))} in its place: the same weakness is likely, so watch or mend it now.`
                : null,
    };
}
