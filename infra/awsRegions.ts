/** The Regions of AWS, as of November 2026: what a typing error is told from, and which must be switched on in an account. */

/** On in every account of their partition, and not to be switched off. */
const alwaysOn = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "us-gov-east-1",
    "us-gov-west-1",
];

/** Off until somebody opts in, account by account. */
const optIn = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
];

export const knownRegions: readonly string[] = [...alwaysOn, ...optIn];

/** Whether an account has to be asked if the Region is on. */
export const needsOptIn = (region: string): boolean => optIn.includes(region);

/** What is wrong with a Region's name; null when there is such a Region. */
export function regionProblem(region: string): string | null {
    if (region.startsWith("cn-"))
        return "China's Regions are a partition of their own, with other endpoints and service principals, which this program does not write; it deploys to aws and aws-us-gov";
    if (!/^[a-z]{2,3}(-[a-z]+){1,3}-\d{1,2}$/.test(region)) return "an AWS Region looks like eu-west-1";
    if (knownRegions.includes(region)) return null;
    const near = knownRegions.filter((known) => known.startsWith(region.split("-")[0]!));
    return `AWS has no Region of this name${near.length > 0 ? ` (there are ${near.join(", ")})` : ""}; is it newer than infra/awsRegions.ts, add it there`;
}

/** AWS partition of a Region. */
export function partitionOf(region: string): string {
    if (region.startsWith("cn-")) return "aws-cn";
    return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}
