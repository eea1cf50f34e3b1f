/**
 * How large the analysis must be for the volumes it reads: instance, volumes, how fast they are filled, how long it may take, what it costs. Pure.
 *
 * Each volume is read twice, beside each other: the evidence volume from its start to its end for its hashes, and the work volume file by file.
 * Three things bound that: the instance's EBS bandwidth, its processors (the content of files is scanned on all of them), and the time in which a
 * volume is filled from its snapshot. The instance is the smallest that reads everything within {@link soughtSeconds}, or within the time that
 * filling the volumes takes anyway: a faster one would wait for them.
 */
import type { EvidenceSnapshot, SizePlan } from "./containers";
import { gp3, initialization, instanceType, upFrom, type InstanceType } from "./instanceTypes";
import { mostVolumes, wantedVolumes } from "./planVolumes";

const gib = 2 ** 30;
const mib = 2 ** 20;
/** Seconds in which everything shall be read. */
export const soughtSeconds = 4 * 3600;
/** Run Command stops a script after that many seconds at most: https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html */
export const longestSeconds = 172_800;
/** Bytes a second that one processor scans: 86 MB here under load, `npm run bench:analysis` (bytes / bareYaraSeconds). */
const scannedPerSecond = 80e6;
/** Times of what the arithmetic says: bandwidth is shared, disks are full of small files, and a time-out that is too short loses hours of work. */
const patience = 2;
/** Seconds that an analysis takes whatever its volumes are: packages, inventory, timeline, upload. */
const besides = 3600;
/** Volumes of more GiB are filled ahead of the reads; below, reading them is as fast. */
const filledAboveGiB = 16;
/** Of what a volume's share of the instance's bandwidth is: volumes do not begin and end together. */
const headroom = 1.5;
/** Times of what filling the volumes takes: an instance of twice the price for the last minutes of many hours helps nobody. */
export const overFill = 1.1;
const monthSeconds = 730 * 3600;

/** One gp3 volume. */
export interface VolumeSize {
    /** MiB/s. */
    throughput: number;
    iops: number;
    /** MiB/s; undefined: at EBS's own pace. */
    initializationRate: number | undefined;
}

/** The volumes that one instance takes of the snapshots, GiB each. */
const volumesOf = (snapshots: readonly EvidenceSnapshot[]): number[] =>
    wantedVolumes({ snapshots })
        .slice(0, mostVolumes)
        .map(({ snapshot }) => snapshot.sizeGiB);
const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);

/** How fast each volume is filled, MiB/s: what all of them ask for together stays within the account's quota. */
function fillRate(volumes: readonly number[]): number {
    const filled = volumes.filter((sizeGiB) => sizeGiB > filledAboveGiB).length;
    return Math.max(initialization.least, Math.min(initialization.most, Math.floor(initialization.ours / Math.max(1, filled))));
}

/** How one of the volumes is to be made. @param snapshots all that are analysed with it */
export function sizeVolume(
    { sizeGiB }: Pick<EvidenceSnapshot, "sizeGiB">,
    snapshots: readonly EvidenceSnapshot[],
    typeName: string,
): VolumeSize {
    const volumes = volumesOf(snapshots);
    const bandwidth = (instanceType(typeName)?.ebsBytesPerSecond ?? 0) / mib;
    const share = (bandwidth * sizeGiB * headroom) / sum(volumes);
    const throughput =
        sizeGiB < gp3.leastForMore
            ? gp3.baseThroughput
            : Math.min(gp3.mostThroughput, Math.max(gp3.baseThroughput, Math.ceil(share / 25) * 25));
    return {
        throughput,
        iops: Math.max(gp3.baseIops, Math.ceil(throughput / gp3.throughputPerIops)),
        initializationRate: sizeGiB > filledAboveGiB ? fillRate(volumes) : undefined,
    };
}

/** Seconds until the last volume is filled from its snapshot. */
const fillSeconds = (volumes: readonly number[]) =>
    volumes.some((sizeGiB) => sizeGiB > filledAboveGiB) ? (Math.max(...volumes) * gib) / (fillRate(volumes) * mib) : 0;

/** Seconds in which the type reads all volumes and scans what is in them. */
function readSeconds(type: InstanceType, snapshots: readonly EvidenceSnapshot[]): number {
    const volumes = volumesOf(snapshots);
    const slowest = Math.max(...snapshots.map((each) => (each.sizeGiB * gib) / (sizeVolume(each, snapshots, type.name).throughput * mib)));
    const scan = (sum(snapshots.map(({ sizeGiB }) => sizeGiB)) * gib) / (type.vcpus * scannedPerSecond);
    return Math.max((sum(volumes) * gib) / type.ebsBytesPerSecond, slowest, scan);
}

/** Seconds of one read of an evidence volume by itself. */
const secondsOf = (snapshot: EvidenceSnapshot, snapshots: readonly EvidenceSnapshot[], type: InstanceType): number =>
    (snapshot.sizeGiB * gib) / Math.min(type.ebsBytesPerSecond, sizeVolume(snapshot, snapshots, type.name).throughput * mib);

function dollars(type: InstanceType, snapshots: readonly EvidenceSnapshot[], seconds: number): number {
    const volumes = wantedVolumes({ snapshots })
        .slice(0, mostVolumes)
        .map(({ snapshot }) => {
            const { throughput, iops } = sizeVolume(snapshot, snapshots, type.name);
            return (
                snapshot.sizeGiB * gp3.gigabyteMonth +
                (throughput - gp3.baseThroughput) * gp3.throughputMonth +
                (iops - gp3.baseIops) * gp3.iopsMonth
            );
        });
    return (type.dollarsPerHour * seconds) / 3600 + (sum(volumes) * seconds) / monthSeconds;
}

/**
 * What an instance of a type has to do, once it is known which one AWS had.
 *
 * @param typeName such as m6i.2xlarge; of one that the table does not have only the time-out is known: the longest there is
 * @param leastSeconds that the analysis may take whatever its volumes are
 * @param hashTwice each evidence volume is read once more at the end
 */
export function sizeOn(typeName: string, snapshots: readonly EvidenceSnapshot[], leastSeconds: number, hashTwice = false): SizePlan {
    const type = instanceType(typeName);
    const gibibytes = sum(snapshots.map(({ sizeGiB }) => sizeGiB));
    if (type === null)
        return { instanceType: typeName, gibibytes, expectedSeconds: null, timeoutSeconds: longestSeconds, dollars: null, fits: true };
    const [read, fill] = [readSeconds(type, snapshots), fillSeconds(volumesOf(snapshots))];
    // The second hash comes after everything else, a volume after the other.
    const again = hashTwice ? sum(snapshots.map((each) => secondsOf(each, snapshots, type))) : 0;
    const expected = Math.ceil(Math.max(read, fill) + again);
    const wanted = Math.max(leastSeconds, Math.ceil(patience * expected) + besides);
    return {
        instanceType: typeName,
        gibibytes,
        expectedSeconds: expected,
        timeoutSeconds: Math.min(longestSeconds, wanted),
        dollars: Math.round(dollars(type, snapshots, expected + besides / 2) * 100) / 100,
        // The script ends its own work at 85 % of the time, so that what there is goes up.
        fits: expected <= longestSeconds * 0.85 - besides,
    };
}

/**
 * The instance to ask for.
 *
 * @param configured the smallest that may be taken
 * @returns types in the order to ask for them: the one that is right, then the smaller ones, which take longer and are better than none, those
 * first that are done within Run Command's longest time
 */
export function planSize(
    snapshots: readonly EvidenceSnapshot[],
    configured: string,
    leastSeconds: number,
    hashTwice = false,
): { types: string[]; plan: SizePlan } {
    const candidates = upFrom(configured);
    const volumes = volumesOf(snapshots);
    const sought = Math.max(soughtSeconds, fillSeconds(volumes) * overFill);
    const quick = candidates.findIndex((name) => {
        const type = instanceType(name);
        return type === null || readSeconds(type, snapshots) <= sought;
    });
    const chosen = quick < 0 ? candidates.length - 1 : quick;
    const smaller = candidates.slice(0, chosen).reverse();
    return { types: [candidates[chosen]!, ...smaller], plan: sizeOn(candidates[chosen]!, snapshots, leastSeconds, hashTwice) };
}
