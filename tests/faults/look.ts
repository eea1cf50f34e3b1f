/** What a case is judged by: the state of the estate, read past every API. */
import { type Cloud } from "../support/cloud/cloud";

export interface Seen {
    /** Everything that containment may change of the victim, as plain data. */
    victim: Record<string, unknown>;
    /** What of it is not as it was before the incident; only known after a release. */
    different: string[];
    /** Whether every interface has groups alone that let nothing through. */
    contained: boolean;
    /** Titles of what Slack took, in order. */
    told: string[];
    /** Lines of messages about something that failed. */
    failures: string[];
    /** Whether people were told that something stays as containment left it, as nobody could read what it was. */
    unknownBefore: boolean;
    /** What rings an alarm: executions that failed, dead letters; and what a command of people's said that it failed of. */
    alarms: string[];
    /** Volumes of the victim with a completed and locked copy in the forensics account, of how many. */
    preserved: number;
    volumes: number;
    /** What became of the instance's memory: kept, or people were told why not; null where none is taken. */
    memory: "kept" | "told" | "lost" | null;
    report: boolean;
    sealed: boolean;
    /** What was made more than once: what it is, and how many times it was made. */
    counts: Record<
        | "source snapshots a volume"
        | "evidence snapshots a volume"
        | "forensic instances an execution"
        | "volumes a snapshot an execution"
        | "tickets"
        | "messages alike",
        number
    >;
    /** Forensic instances, volumes and endpoints that still stand. */
    left: string[];
    /** How each execution ended. */
    executions: string[];
    deadLetters: string[];
}

const most = (values: Iterable<string>): number => {
    const counts = new Map<string, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    return Math.max(0, ...counts.values());
};

/** Whether what was in memory is there, locked, or people read that it is not. */
function memoryOf({ s3, slack, lambdas }: Cloud, isWhole: (volumeId: string) => boolean): Seen["memory"] {
    if (process.env.MEMORY_MODE === undefined) return null;
    const written = (name: string) => {
        const key = [...s3.objects.keys()].find((each) => each.endsWith(`/${name}`));
        return key === undefined ? null : (JSON.parse(s3.objects.get(key)!) as { volumeId?: string; memory?: { outcome: string } });
    };
    const volumeId = written("acquisition-volume.json")?.volumeId;
    if (written("containment.json")?.memory?.outcome === "complete" && volumeId !== undefined && isWhole(volumeId)) return "kept";
    const said = slack.some(({ text }) => /olatile state (not taken|FAILED to be taken|taken IN PART)/.test(text));
    return said || lambdas.deadLetters.length > 0 ? "told" : "lost";
}

const titleOf = (text: string): string => (JSON.parse(text) as { text?: string }).text ?? text.slice(0, 120);

/** @param terminal what people read where they typed a command */
export function look(cloud: Cloud, instanceId: string, terminal: readonly string[] = []): Seen {
    const [member] = [...cloud.members.values()];
    const { ec2, iam, autoScaling, loadBalancing } = member!;
    const faces = ec2.vpc.faces.get(instanceId)!;
    const instance = ec2.instances.get(instanceId)!;
    const devices = instance.BlockDeviceMappings as { DeviceName: string; Ebs: { VolumeId: string; DeleteOnTermination: boolean } }[];
    const empty = new Set(
        ec2.vpc.groups.filter(({ ingress, egress }) => ingress.length + egress.length === 0).map(({ GroupId }) => GroupId),
    );
    const tag = (item: { Tags?: { Key: string; Value: string }[] }, key: string) => item.Tags?.find(({ Key }) => Key === key)?.Value;
    const forensic = cloud.forensicsEc2;
    const volumes = devices.map(({ Ebs }) => Ebs.VolumeId);
    const evidence = [...forensic.snapshots.values()];
    const whole = (volumeId: string) =>
        evidence.some(
            (each) =>
                tag(each, "clean-room:source-volume") === volumeId &&
                each.State === "completed" &&
                forensic.locks.has(each.SnapshotId as string),
        );
    const keys = [...cloud.s3.objects.keys()];
    const live = [...forensic.instances.values()].filter(
        ({ State }) => !["terminated", "shutting-down"].includes((State as { Name: string }).Name),
    );
    const executions = [...cloud.executions].map(
        ([name, { status, error }]) => `${name.includes("resumed") ? "resumed " : ""}${status}${error ? ` ${error}` : ""}`,
    );
    const deadLetters = cloud.lambdas.deadLetters.map(({ handler, error }) => `${handler}: ${error}`);
    return {
        victim: structuredClone({
            attributes: ec2.attributes.get(instanceId),
            interfaces: faces.map((face) => ({ ...face, timeout: face.timeout ?? 432_000, groups: [...face.groups].sort() })),
            deleteOnTermination: devices.map(({ DeviceName, Ebs }) => [DeviceName, Ebs.DeleteOnTermination]),
            metadata: (instance.MetadataOptions as { HttpEndpoint: string }).HttpEndpoint,
            autoScaling: [autoScaling.state, autoScaling.suspendedProcesses],
            balancers: [loadBalancing.targets, loadBalancing.classic],
            policies: [...iam.policies],
        }),
        different: [],
        contained: faces.every(({ groups }) => groups.length > 0 && groups.every((each) => empty.has(each))),
        told: cloud.slack.map(({ text }) => titleOf(text)),
        failures: cloud.slack.flatMap(({ text }) => text.match(/FAILED: [^\\"]*/g) ?? []),
        unknownBefore: cloud.slack.some(({ text }) => text.includes("as containment left it: AWS was too busy to say")),
        alarms: [...executions.filter((each) => each.includes("FAILED")), ...deadLetters, ...terminal],
        preserved: volumes.filter(whole).length,
        volumes: volumes.length,
        memory: memoryOf(cloud, whole),
        report: keys.some((key) => key.endsWith("/report/report.json")),
        sealed: keys.some((key) => key.includes("/custody/seals/")),
        counts: {
            "source snapshots a volume": most([...ec2.snapshots.values()].map(({ VolumeId }) => VolumeId as string)),
            "evidence snapshots a volume": most(evidence.map((each) => tag(each, "clean-room:source-volume") ?? "?")),
            "forensic instances an execution": Math.ceil(forensic.instances.size / Math.max(1, cloud.executions.size)),
            "volumes a snapshot an execution": Math.ceil(most(cloud.madeVolumes) / Math.max(1, cloud.executions.size)),
            tickets: cloud.cases.cases.length,
            "messages alike": most(cloud.slack.map(({ text }) => text)),
        },
        left: [
            ...live.map(({ InstanceId }) => InstanceId as string),
            ...[...forensic.volumes.values()].map(({ VolumeId }) => VolumeId as string),
            ...cloud.endpoints.endpoints.keys(),
            // What taking memory needs for its time: the volume goes once its evidence is locked.
            ...[...ec2.volumes.values()]
                .filter((each) => tag(each, "clean-room:role") === "acquisition")
                .map(({ VolumeId }) => VolumeId as string),
            ...member!.runCommand.sharedWith.map((account) => `the document, which ${account} may run`),
            ...[...forensic.shares].filter(([, accounts]) => accounts.length > 0).map(([id]) => `${id}, which members may use`),
        ],
        executions,
        deadLetters,
    };
}
