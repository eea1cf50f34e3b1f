/**
 * What AWS publishes of the instance types that an analysis may run on, and of gp3 volumes: data, with its pages beside it.
 *
 * EBS bandwidth: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ebs-optimized.html (the baseline: what a type has for as long as it runs; the
 * small sizes have more for 30 minutes a day). Prices: https://aws.amazon.com/ec2/pricing/on-demand/ and https://aws.amazon.com/ebs/pricing/,
 * us-east-1, as tools/cost/prices.json has them.
 */

/** Sizes of a type, smallest first. All families below have all of them. */
export const sizes = ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge"] as const;

/** Baseline EBS bandwidth in Mbit/s, by family and in the order of {@link sizes}. */
const ebsMegabits: Record<string, readonly [number, number, number, number, number]> = {
    m6i: [650, 1250, 2500, 5000, 10_000],
    m7i: [650, 1250, 2500, 5000, 10_000],
    m6a: [650, 1250, 2500, 5000, 10_000],
    m5: [650, 1150, 2300, 4750, 6800],
    c6i: [650, 1250, 2500, 5000, 10_000],
    r6i: [650, 1250, 2500, 5000, 10_000],
    m5a: [650, 1085, 1580, 2880, 4750],
    m7g: [630, 1250, 2500, 5000, 10_000],
    m6g: [630, 1188, 2375, 4750, 9500],
    m8g: [630, 1250, 2500, 5000, 10_000],
    c7g: [630, 1250, 2500, 5000, 10_000],
    r7g: [630, 1250, 2500, 5000, 10_000],
};

/** Dollars an hour of a `large`; each size costs twice the one before. Families without an entry are taken for the dearest. */
const largeHour: Record<string, number> = { m6i: 0.096, m7g: 0.0816 };

/**
 * Families that serve in place of another, in the order they are tried: same processor and size, of other families and generations.
 * A type that AWS does not know or offer here is passed over like one without capacity.
 */
export const families: Record<"x86_64" | "arm64", readonly string[]> = {
    x86_64: ["m6i", "m7i", "m6a", "m5", "c6i", "r6i", "m5a"],
    arm64: ["m7g", "m6g", "m8g", "c7g", "r7g"],
};

export interface InstanceType {
    name: string;
    vcpus: number;
    /** Bytes a second that it reads of its volumes in the long run. */
    ebsBytesPerSecond: number;
    dollarsPerHour: number;
}

/** @param name such as m6i.large @returns null for a type that the table does not have */
export function instanceType(name: string): InstanceType | null {
    const [family = "", size = ""] = name.split(".");
    const at = sizes.findIndex((each) => each === size);
    const megabits = ebsMegabits[family]?.[at];
    if (megabits === undefined) return null;
    return {
        name,
        vcpus: 2 ** (at + 1),
        ebsBytesPerSecond: (megabits * 1e6) / 8,
        dollarsPerHour: (largeHour[family] ?? 0.126) * 2 ** at,
    };
}

/** The type itself and the larger sizes of its family; one that the table does not have stands alone. */
export function upFrom(name: string): string[] {
    const [family = "", size = ""] = name.split(".");
    const at = sizes.findIndex((each) => each === size);
    return at < 0 || ebsMegabits[family] === undefined ? [name] : sizes.slice(at).map((each) => `${family}.${each}`);
}

/** gp3: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html. Newer limits are higher; these hold in every Region. */
export const gp3 = {
    /** MiB/s and operations a second that every volume has without asking. */
    baseThroughput: 125,
    baseIops: 3000,
    mostThroughput: 1000,
    /** An operation of 256 KiB: MiB/s that one operation a second brings at most. */
    throughputPerIops: 0.25,
    /** GiB from which on a volume may have the 4,000 operations a second that the highest throughput asks for (500 a GiB). */
    leastForMore: 8,
    /** Dollars a month of a GB, of a MiB/s above the base, and of an operation a second above the base. */
    gigabyteMonth: 0.08,
    throughputMonth: 0.04,
    iopsMonth: 0.005,
} as const;

/**
 * Filling a volume from its snapshot ahead of the reads: https://docs.aws.amazon.com/ebs/latest/userguide/initalize-volume.html. MiB/s for one
 * volume, and what all volumes that are being made in an account and Region may ask for together (the default quota, of which others need some).
 */
export const initialization = { least: 100, most: 300, together: 5000, ours: 4000 } as const;
